// SPDX-License-Identifier: Apache-2.0
// pipe.hpp - pipes to and from a command.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue::sys {

// {the end to read, the end to write}, CLOEXEC.
inline Result<std::pair<UniqueFd, UniqueFd>> pipe() {
    int fds[2] = {-1, -1};
    if (::pipe2(fds, O_CLOEXEC) != 0)
        return Error::from_errno(errno, "pipe");
    return std::pair(UniqueFd(fds[0]), UniqueFd(fds[1]));
}

// Of this end alone.
inline Status set_nonblocking(int fd) {
    if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        return Error::from_errno(errno, "F_SETFL");
    return {};
}

} // namespace segue::sys
