// SPDX-License-Identifier: Apache-2.0
// dirty_logging.hpp - whether KVM writes down which pages of our guest are written.
#pragma once

#include <linux/kvm.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace segue::fault {

// KVM_GET_DIRTY_LOG answers ENOENT for a slot that has no log (Linux
// Documentation/virt/kvm/api.rst, 4.8); only the process whose VM it is may ask. True for any other
// answer.
inline bool a_slot_logs_writes() {
    constexpr std::uint32_t slots = 8; // more than any guest of these tests has
    std::error_code error;
    std::vector<std::uint64_t> bitmap(1u << 16); // of 16 GiB
    for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd", error)) {
        const auto what = std::filesystem::read_symlink(fd.path(), error);
        if (what != "anon_inode:kvm-vm")
            continue;
        const int vm = std::atoi(fd.path().filename().c_str());
        for (std::uint32_t slot = 0; slot < slots; ++slot) {
            kvm_dirty_log log = {};
            log.slot = slot;
            log.dirty_bitmap = bitmap.data();
            if (::ioctl(vm, KVM_GET_DIRTY_LOG, &log) == 0 || errno != ENOENT)
                return true;
        }
    }
    return false;
}

} // namespace segue::fault
