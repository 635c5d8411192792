// SPDX-License-Identifier: Apache-2.0
#include "inherited.hpp"

#include <segue/cpp/socket.hpp>

namespace segue::fd_transport {

namespace {

int socket_option(int fd, int what) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, what, &value, &size) == 0 ? value : -1;
}

// What is wrong with it, or nothing.
std::string flaw(int fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0)
        return "is not open, or an update has used it up";
    if ((flags & FD_CLOEXEC) != 0)
        return "is one of this process's own";
    if (socket_option(fd, SO_DOMAIN) != AF_UNIX || socket_option(fd, SO_TYPE) != SOCK_STREAM)
        return "is no unix stream socket";
    sockaddr_un peer = {};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0)
        return "is not connected";
    return "";
}

} // namespace

Status check_inherited(std::uint64_t number, const std::string& option) {
    if (number == 0)
        return Error(Code::Invalid, "'" + option + "' is not set")
            .way_out("start the VMM with one end of a socketpair and name its number there");
    const int fd = static_cast<int>(number);
    if (const std::string wrong = flaw(fd); !wrong.empty())
        return Error(Code::Invalid,
                     "'" + option + "': descriptor " + std::to_string(fd) + " " + wrong)
            .way_out("start the VMM with one end of a new socketpair as that number, or use "
                     "transport \"unix\"");
    return sys::check_peer(fd);
}

Result<UniqueFd> take_inherited(std::uint64_t number, const std::string& option) {
    SEGUE_TRY(check_inherited(number, option));
    UniqueFd given(static_cast<int>(number));
    SEGUE_ASSIGN(UniqueFd own, sys::dup(given.get()));
    const int flags = ::fcntl(own.get(), F_GETFL);
    if (flags < 0 || ::fcntl(own.get(), F_SETFL, flags | O_NONBLOCK) != 0)
        return Error::from_errno(errno, "fcntl of descriptor " + std::to_string(number));
    return own;
}

} // namespace segue::fd_transport
