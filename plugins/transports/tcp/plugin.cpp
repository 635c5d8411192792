// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - transport "tcp": a byte stream between two hosts, or within one. Neither encrypted
// nor authenticated: for networks that nobody else is on.
#include <sys/uio.h>

#include <segue/cpp/sys.hpp>
#include <segue/cpp/transport.hpp>

#include "plugins/transports/common/tcp_address.hpp"

namespace {

using namespace segue;

class TcpStream final : public Channel {
public:
    explicit TcpStream(UniqueFd fd)
        : fd_(std::move(fd)) {}

    Ready ready() override { return {fd_.get(), POLLIN | POLLOUT}; }

    UniqueFd& fd() { return fd_; }

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
    TcpListener(UniqueFd fd, tcp::TcpAddress address)
        : fd_(std::move(fd))
        , address_(std::move(address)) {}

    Ready ready() override { return {fd_.get(), POLLIN}; }
    Result<std::unique_ptr<Channel>> accept() override {
        SEGUE_ASSIGN(UniqueFd peer, address_.accept(fd_.get()));
        return std::unique_ptr<Channel>(std::make_unique<TcpStream>(std::move(peer)));
    }

private:
    UniqueFd fd_;
    tcp::TcpAddress address_;
};

class Tcp final : public Transport {
public:
    explicit Tcp(tcp::TcpAddress address)
        : address_(std::move(address)) {}

    static Result<std::unique_ptr<Tcp>> create(const Config& config, const Host&) {
        SEGUE_ASSIGN(tcp::TcpAddress address, tcp::TcpAddress::read(config));
        return std::make_unique<Tcp>(std::move(address));
    }

    Result<std::unique_ptr<Listener>> listen() override {
        SEGUE_ASSIGN(UniqueFd fd, address_.listen());
        return std::unique_ptr<Listener>(std::make_unique<TcpListener>(std::move(fd), address_));
    }

    Status connect(std::unique_ptr<Channel>& channel) override {
        if (!channel)
            channel = std::make_unique<TcpStream>(UniqueFd());
        UniqueFd& fd = static_cast<TcpStream&>(*channel).fd();
        Status s = address_.connect(fd);
        if (!fd)
            channel.reset();
        return s;
    }

private:
    tcp::TcpAddress address_;
};

constexpr segue_option options[] = {tcp::kAddressOption, tcp::kKeepaliveOption,
                                    tcp::kBacklogOption};
constexpr Info info = {
    .summary = "a TCP connection, IPv4 or IPv6, plain",
    .caps = SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_MULTI | SEGUE_TRANSPORT_BIDIRECTIONAL,
    .options = options,
};

} // namespace

SEGUE_EXPORT_TRANSPORT(Tcp, info);
