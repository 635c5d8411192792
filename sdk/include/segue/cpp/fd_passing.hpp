// SPDX-License-Identifier: Apache-2.0
// fd_passing.hpp - bytes and descriptors over a connected unix stream socket that never blocks.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <segue/abi/transport.h>
#include <segue/cpp/result.hpp>
#include <segue/cpp/sys.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue::sys {

namespace detail {

// Room for SEGUE_TRANSPORT_MAX_FDS descriptors.
union ControlBuffer {
    cmsghdr align;
    char bytes[CMSG_SPACE(SEGUE_TRANSPORT_MAX_FDS * sizeof(int))];
};

// segue_iov has the layout of iovec on the machines that Segue runs on.
static_assert(sizeof(segue_iov) == sizeof(iovec));

inline msghdr message(std::span<const segue_iov> iov, std::vector<iovec>& copy) {
    copy.reserve(iov.size());
    for (const segue_iov& v : iov.first(std::min<std::size_t>(iov.size(), 1024))) // UIO_MAXIOV
        copy.push_back({v.base, static_cast<std::size_t>(v.len)});
    msghdr m = {};
    m.msg_iov = copy.data();
    m.msg_iovlen = copy.size();
    return m;
}

inline void take_fds(msghdr& m, std::vector<UniqueFd>& fds) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&m); c != nullptr; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        const std::size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < n; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            fds.emplace_back(fd);
        }
    }
}

} // namespace detail

// Gives the bytes that were taken; the descriptors go with the first of them. Again: the buffer is
// full. Closed: the other side is gone.
inline Result<std::uint64_t> send_fds(int fd, std::span<const segue_iov> from,
                                      std::span<const int> fds) {
    if (fds.size() > SEGUE_TRANSPORT_MAX_FDS)
        return Error(Code::Invalid, std::to_string(fds.size()) + " descriptors in one message");
    std::vector<iovec> copy;
    msghdr m = detail::message(from, copy);
    detail::ControlBuffer control = {};
    if (!fds.empty()) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
    }
    const ssize_t n = retry([&] { return ::sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT); });
    if (n > 0)
        return static_cast<std::uint64_t>(n);
    if (n == 0)
        return Error(Code::Invalid, "send: there is no byte to send");
    if (errno == EAGAIN)
        return Error(Code::Again, "the buffer is full");
    if (errno == EPIPE || errno == ECONNRESET)
        return Error(Code::Closed, "send: the other side hung up");
    return Error::from_errno(errno, "sendmsg");
}

// Gives the bytes that came, and appends the descriptors that came with them. Again: nothing there.
inline Result<std::uint64_t> recv_fds(int fd, std::span<const segue_iov> to,
                                      std::vector<UniqueFd>& fds) {
    std::vector<iovec> copy;
    msghdr m = detail::message(to, copy);
    detail::ControlBuffer control = {};
    m.msg_control = control.bytes;
    m.msg_controllen = sizeof control.bytes;
    const ssize_t n = retry([&] { return ::recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT); });
    if (n < 0 && errno == EAGAIN)
        return Error(Code::Again, "nothing came yet");
    if (n < 0 && errno == ECONNRESET)
        return Error(Code::Closed, "receive: the other side hung up");
    if (n < 0)
        return Error::from_errno(errno, "recvmsg");
    detail::take_fds(m, fds);
    // The kernel closes what finds no room; its usual cause is RLIMIT_NOFILE.
    if ((m.msg_flags & MSG_CTRUNC) != 0)
        return Error(Code::Io, "receive: some descriptors were lost on the way")
            .way_out("raise the limit of open files (ulimit -n)");
    if (n == 0)
        return Error(Code::Closed, "receive: the other side hung up");
    return static_cast<std::uint64_t>(n);
}

} // namespace segue::sys
