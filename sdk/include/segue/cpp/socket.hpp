// SPDX-License-Identifier: Apache-2.0
// socket.hpp - unix stream sockets that never block: made, connected, accepted.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/sys.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue::sys {

// An unbound unix stream socket that never blocks.
inline Result<UniqueFd> unix_socket() {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return Error::from_errno(errno, "socket");
    return UniqueFd(fd);
}

struct UnixAddress {
    sockaddr_un addr = {};
    socklen_t size = 0;
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&addr); }
};

// Of a file; with `abstract`, of a name that exists in no folder.
inline Result<UnixAddress> unix_address(const std::string& name, bool abstract = false) {
    UnixAddress a;
    const std::size_t at = abstract ? 1 : 0;
    if (name.empty() || name.size() + 1 > sizeof a.addr.sun_path)
        return Error(Code::Invalid, "'" + name +
                                        "' cannot be a socket's address: it must be 1 to " +
                                        std::to_string(sizeof a.addr.sun_path - 1) + " bytes long")
            .way_out("choose a shorter path");
    a.addr.sun_family = AF_UNIX;
    std::memcpy(a.addr.sun_path + at, name.data(), name.size());
    a.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
    return a;
}

// Again: nobody listens, or the backlog is full.
inline Result<UniqueFd> unix_connect(const UnixAddress& to) {
    SEGUE_ASSIGN(UniqueFd fd, unix_socket());
    if (retry([&] { return ::connect(fd.get(), to.get(), to.size); }) == 0)
        return fd;
    if (errno == EAGAIN || errno == ENOENT || errno == ECONNREFUSED)
        return Error(Code::Again, "nobody listens yet");
    return Error::from_errno(errno, "connect");
}

// Again: no peer is waiting. A peer that hung up in the queue is passed over.
inline Result<UniqueFd> unix_accept(int listener) {
    for (;;) {
        const int fd = retry(
            [&] { return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); });
        if (fd >= 0)
            return UniqueFd(fd);
        if (errno == EAGAIN)
            return Error(Code::Again, "nobody connects yet");
        if (errno != ECONNABORTED)
            return Error::from_errno(errno, "accept");
    }
}

// Who called listen(2), connect(2) or socketpair(2) at the other end.
inline Result<pid_t> peer_pid(int fd) {
    ucred peer = {};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return Error::from_errno(errno, "SO_PEERCRED");
    return peer.pid;
}

// Refused unless the process at the other end runs as the same user as this one, or as root.
inline Status check_peer(int fd) {
    ucred peer = {};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return Error::from_errno(errno, "SO_PEERCRED");
    if (peer.uid == 0 || peer.uid == ::geteuid())
        return {};
    return Error(Code::Refused, "the process at the other end, pid " + std::to_string(peer.pid) +
                                    ", belongs to user " + std::to_string(peer.uid))
        .way_out("run both sides as the same user");
}

} // namespace segue::sys
