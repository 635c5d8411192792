// SPDX-License-Identifier: Apache-2.0
#include "plugins/transports/common/tcp_address.hpp"

#include <cerrno>

#include <segue/cpp/sys.hpp>

namespace segue::tcp {

namespace {

// Again while the connection is being made.
Status connected(int fd) {
    pollfd p = {fd, POLLOUT, 0};
    if (::poll(&p, 1, 0) == 0)
        return Error(Code::Again, "the connection is being made");
    int why = 0;
    socklen_t size = sizeof why;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
        return Error::from_errno(errno, "getsockopt");
    return why == 0 ? Status() : Error::from_errno(why, "connect");
}

} // namespace

Result<TcpAddress> TcpAddress::read(const Config& config) {
    SEGUE_ASSIGN(std::string text, config.text(kAddressOption.key));
    SEGUE_ASSIGN(const std::uint64_t keepalive_s, config.number(kKeepaliveOption.key));
    SEGUE_ASSIGN(const std::uint64_t backlog, config.number(kBacklogOption.key));
    SEGUE_ASSIGN(const Endpoint endpoint, Endpoint::parse(text));
    return TcpAddress(std::move(text), endpoint, static_cast<unsigned>(keepalive_s),
                      static_cast<int>(backlog));
}

Result<UniqueFd> TcpAddress::listen() const {
    SEGUE_ASSIGN(UniqueFd fd, make_socket(endpoint_.family(), keepalive_s_));
    // Connections of an earlier update that linger are no reason to refuse the next.
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(fd.get(), endpoint_.get(), endpoint_.size()) != 0)
        return Error::from_errno(errno, "bind " + text_)
            .way_out(errno == EADDRINUSE ? "end who listens there, or set another 'address'"
                                         : "set 'address' to one of this host's");
    if (::listen(fd.get(), backlog_) != 0)
        return Error::from_errno(errno, "listen at " + text_);
    return fd;
}

Result<UniqueFd> TcpAddress::accept(int listener) const {
    UniqueFd peer(sys::retry(
        [&] { return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); }));
    if (!peer && (errno == EAGAIN || errno == ECONNABORTED))
        return Error(Code::Again, "nobody has connected yet");
    if (!peer)
        return Error::from_errno(errno, "accept");
    SEGUE_TRY(tune(peer.get(), keepalive_s_));
    return peer;
}

Status TcpAddress::connect(UniqueFd& fd) const {
    Status s = fd ? connected(fd.get()) : begin(fd);
    if (s || s.code() == Code::Again)
        return s;
    fd.reset();
    // Nobody listens yet, or the route is not up yet: the host calls again until its deadline.
    if (const int e = s.error().sys_errno();
        e == ECONNREFUSED || e == EHOSTUNREACH || e == ENETUNREACH || e == ETIMEDOUT)
        return Error(Code::Again, "connect to " + text_);
    return std::move(s).error().while_doing("connect to " + text_);
}

Status TcpAddress::begin(UniqueFd& fd) const {
    SEGUE_ASSIGN(fd, make_socket(endpoint_.family(), keepalive_s_));
    if (::connect(fd.get(), endpoint_.get(), endpoint_.size()) == 0)
        return {};
    if (errno == EINPROGRESS)
        return Error(Code::Again, "the connection is being made");
    return Error::from_errno(errno, "connect");
}

} // namespace segue::tcp
