// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - transport "tcp": a byte stream between two hosts, or within one. Neither encrypted
// nor authenticated: for networks that nobody else is on.
#include <sys/uio.h>

#include <segue/cpp/sys.hpp>
#include <segue/cpp/transport.hpp>

#include "endpoint.hpp"

namespace {

using namespace segue;

class TcpStream final : public Channel {
public:
    explicit TcpStream(UniqueFd fd)
        : fd_(std::move(fd)) {}

    Ready ready() override { return {fd_.get(), POLLIN | POLLOUT}; }

    // Again while the connection is being made. [before anything else]
    Status connected() const {
        pollfd p = {fd_.get(), POLLOUT, 0};
        if (::poll(&p, 1, 0) == 0)
            return Error(Code::Again, "the connection is being made");
        int why = 0;
        socklen_t size = sizeof why;
        if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &why, &size) != 0)
            return Error::from_errno(errno, "getsockopt");
        return why == 0 ? Status() : Error::from_errno(why, "connect");
    }

    Result<std::uint64_t> read(ConstIov to, std::vector<UniqueFd>&, std::uint32_t) override {
        std::vector<iovec> parts = raw(to);
        const ssize_t n = sys::retry(
            [&] { return ::readv(fd_.get(), parts.data(), static_cast<int>(parts.size())); });
        if (n > 0)
            return static_cast<std::uint64_t>(n);
        if (n == 0)
            return Error(Code::Closed, "the other side has ended the connection");
        return failed("read");
    }
    Result<std::uint64_t> write(ConstIov from, std::span<const int>) override {
        std::vector<iovec> parts = raw(from);
        msghdr m = {};
        m.msg_iov = parts.data();
        m.msg_iovlen = parts.size();
        const ssize_t n = sys::retry([&] { return ::sendmsg(fd_.get(), &m, MSG_NOSIGNAL); });
        if (n >= 0)
            return static_cast<std::uint64_t>(n);
        return failed("write");
    }
    // A socket has nothing to make durable: END and SEAL are a half-close.
    Status finish(std::uint32_t how) override {
        const int what = how == SEGUE_FINISH_ABORT ? SHUT_RDWR : SHUT_WR;
        if (::shutdown(fd_.get(), what) != 0 && errno != ENOTCONN)
            return Error::from_errno(errno, "shutdown");
        return {};
    }

private:
    static std::vector<iovec> raw(ConstIov from) {
        std::vector<iovec> parts;
        parts.reserve(from.size());
        for (const segue_iov& part : from)
            parts.push_back({part.base, part.len});
        return parts;
    }
    static Error failed(const char* what) {
        if (errno == EAGAIN)
            return {Code::Again, what};
        if (errno == ECONNRESET || errno == EPIPE || errno == ETIMEDOUT)
            return {Code::Closed, std::string(what) + ": the connection is broken"};
        return Error::from_errno(errno, std::string(what) + " on a TCP connection");
    }

    UniqueFd fd_;
};

class TcpListener final : public Listener {
public:
    TcpListener(UniqueFd fd, unsigned keepalive_s)
        : fd_(std::move(fd))
        , keepalive_s_(keepalive_s) {}

    Ready ready() override { return {fd_.get(), POLLIN}; }
    Result<std::unique_ptr<Channel>> accept() override {
        UniqueFd peer(sys::retry(
            [&] { return ::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); }));
        if (!peer && (errno == EAGAIN || errno == ECONNABORTED))
            return Error(Code::Again, "nobody has connected yet");
        if (!peer)
            return Error::from_errno(errno, "accept");
        SEGUE_TRY(tcp::tune(peer.get(), keepalive_s_));
        return std::unique_ptr<Channel>(std::make_unique<TcpStream>(std::move(peer)));
    }

private:
    UniqueFd fd_;
    unsigned keepalive_s_;
};

class Tcp final : public Transport {
public:
    Tcp(std::string text, tcp::Endpoint endpoint, unsigned keepalive_s, int backlog)
        : text_(std::move(text))
        , endpoint_(endpoint)
        , keepalive_s_(keepalive_s)
        , backlog_(backlog) {}

    static Result<std::unique_ptr<Tcp>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(std::string address, config.text("address"));
        SEGUE_ASSIGN(const std::uint64_t keepalive_s, config.number("keepalive"));
        SEGUE_ASSIGN(const std::uint64_t backlog, config.number("backlog"));
        SEGUE_ASSIGN(const tcp::Endpoint endpoint, tcp::Endpoint::parse(address));
        return std::make_unique<Tcp>(std::move(address), endpoint,
                                     static_cast<unsigned>(keepalive_s), static_cast<int>(backlog));
    }

    Result<std::unique_ptr<segue::Listener>> listen() override {
        SEGUE_ASSIGN(UniqueFd fd, tcp::make_socket(endpoint_.family(), keepalive_s_));
        // Connections of an earlier update that linger are no reason to refuse the next.
        const int on = 1;
        ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (::bind(fd.get(), endpoint_.get(), endpoint_.size()) != 0)
            return Error::from_errno(errno, "bind " + text_)
                .way_out(errno == EADDRINUSE ? "end who listens there, or set another 'address'"
                                             : "set 'address' to one of this host's");
        if (::listen(fd.get(), backlog_) != 0)
            return Error::from_errno(errno, "listen at " + text_);
        return std::unique_ptr<segue::Listener>(
            std::make_unique<TcpListener>(std::move(fd), keepalive_s_));
    }

    Status connect(std::unique_ptr<Channel>& channel) override {
        Status s = channel ? static_cast<TcpStream&>(*channel).connected() : begin(channel);
        if (s || s.code() == Code::Again)
            return s;
        channel.reset();
        // Nobody listens yet, or the route is not up yet: the host calls again until its deadline.
        if (const int e = s.error().sys_errno();
            e == ECONNREFUSED || e == EHOSTUNREACH || e == ENETUNREACH || e == ETIMEDOUT)
            return Error(Code::Again, "connect to " + text_);
        return std::move(s).error().while_doing("connect to " + text_);
    }

private:
    Status begin(std::unique_ptr<Channel>& channel) const {
        SEGUE_ASSIGN(UniqueFd fd, tcp::make_socket(endpoint_.family(), keepalive_s_));
        const int r = ::connect(fd.get(), endpoint_.get(), endpoint_.size());
        if (r != 0 && errno != EINPROGRESS)
            return Error::from_errno(errno, "connect");
        channel = std::make_unique<TcpStream>(std::move(fd));
        return r == 0 ? Status() : Error(Code::Again, "the connection is being made");
    }

    std::string text_;
    tcp::Endpoint endpoint_;
    unsigned keepalive_s_;
    int backlog_;
};

constexpr segue_option options[] = {
    required(string_option("address", "IP address and port: 192.0.2.1:4444 or [2001:db8::1]:4444; "
                                      "the incoming side listens there")),
    number_option(SEGUE_OPTION_UINT, "keepalive",
                  "seconds of silence after which a peer is asked whether it lives; three such "
                  "times without an answer end the connection",
                  "5", 1, 3600),
    number_option(SEGUE_OPTION_UINT, "backlog", "connections that may wait to be accepted", "16", 1,
                  4096),
};
constexpr Info info = {
    .summary = "a TCP connection, IPv4 or IPv6, plain",
    .caps = SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_MULTI | SEGUE_TRANSPORT_BIDIRECTIONAL,
    .options = options,
};

} // namespace

SEGUE_EXPORT_TRANSPORT(Tcp, info);
