// SPDX-License-Identifier: Apache-2.0
#include "tests/fault/other_boot.hpp"

#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <fstream>

namespace segue::fault {

Status enter_another_boot(const std::string& folder) {
    const std::string id = folder + "/boot_id";
    std::ofstream(id) << "5e90e000-0000-4000-8000-000000000001\n";
    if (::unshare(CLONE_FS | CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount(id.c_str(), "/proc/sys/kernel/random/boot_id", nullptr, MS_BIND, nullptr) != 0)
        return Error::from_errno(errno, "enter another boot");
    return {};
}

} // namespace segue::fault
