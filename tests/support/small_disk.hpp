// SPDX-License-Identifier: Apache-2.0
// small_disk.hpp - for tests: a file system that is soon full, which no other process sees.
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace segue::test {

// Runs `act` in a child process, in a folder with a tmpfs of that size; gives what `act` gave, or
// why it could not.
inline std::string on_small_disk(const char* size,
                                 const std::function<std::string(const std::string&)>& act) {
    TempDir dir;
    int out[2] = {-1, -1};
    if (::pipe(out) != 0)
        return "pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        const int own = CLONE_NEWNS | (::geteuid() == 0 ? 0 : CLONE_NEWUSER);
        const std::string options = std::string("mode=0700,size=") + size;
        std::string said = "no file system: ";
        if (::unshare(own) != 0 ||
            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("small", dir.path().c_str(), "tmpfs", 0, options.c_str()) != 0)
            said += std::strerror(errno);
        else
            said = act(dir.path().string());
        (void)!::write(out[1], said.data(), said.size());
        ::_exit(0);
    }
    ::close(out[1]);
    std::string said;
    char room[512];
    for (ssize_t n = 0; (n = ::read(out[0], room, sizeof room)) > 0;)
        said.append(room, static_cast<std::size_t>(n));
    ::close(out[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? said : "the child died: " + said;
}

} // namespace segue::test
