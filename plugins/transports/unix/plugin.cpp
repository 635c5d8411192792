// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - transport "unix": a stream socket in a folder, which carries descriptors.
#include "address.hpp"

#include <segue/cpp/unix_stream.hpp>

namespace {

using namespace segue;

class UnixListener final : public Listener {
public:
    UnixListener(unix_transport::Address address, const Host& host)
        : address_(std::move(address))
        , host_(host) {}

    Ready ready() override { return {address_.fd(), POLLIN}; }
    Result<std::unique_ptr<Channel>> accept() override {
        for (;;) {
            SEGUE_ASSIGN(UniqueFd peer, sys::unix_accept(address_.fd()));
            const Status ours = sys::check_peer(peer.get());
            if (ours)
                return std::unique_ptr<Channel>(std::make_unique<UnixStream>(std::move(peer)));
            host_.log(SEGUE_LOG_WARN, "turned a caller away: " + ours.error().what());
        }
    }

private:
    unix_transport::Address address_;
    Host host_;
};

class UnixTransport final : public Transport {
public:
    UnixTransport(std::string path, bool abstract, std::uint64_t backlog, const Host& host)
        : path_(std::move(path))
        , abstract_(abstract)
        , backlog_(static_cast<int>(backlog))
        , host_(host) {}

    static Result<std::unique_ptr<UnixTransport>> create(const Config& config, const Host& host) {
        SEGUE_ASSIGN(std::string path, config.text("path"));
        SEGUE_ASSIGN(const bool abstract, config.flag("abstract"));
        SEGUE_ASSIGN(const std::uint64_t backlog, config.number("backlog"));
        return std::make_unique<UnixTransport>(std::move(path), abstract, backlog, host);
    }

    Status check() override { return unix_transport::check(path_, abstract_); }
    Result<std::unique_ptr<Listener>> listen() override {
        using unix_transport::Address;
        SEGUE_ASSIGN(auto address, abstract_ ? Address::take_abstract(path_, backlog_)
                                             : Address::take(path_, backlog_));
        return std::unique_ptr<Listener>(std::make_unique<UnixListener>(std::move(address), host_));
    }
    Status connect(std::unique_ptr<Channel>& channel) override {
        SEGUE_ASSIGN(const auto to, sys::unix_address(path_, abstract_));
        auto fd = sys::unix_connect(to);
        if (!fd)
            return std::move(fd).error().while_doing("connect to " + path_);
        SEGUE_TRY(sys::check_peer(fd->get()));
        channel = std::make_unique<UnixStream>(std::move(*fd));
        return {};
    }

private:
    std::string path_;
    bool abstract_;
    int backlog_;
    Host host_;
};

constexpr segue_option options[] = {
    path_option("path", "the socket's file; left out: in the guest's run directory"),
    flag_option("abstract", "the path is a name in the abstract namespace, and no file", "false"),
    number_option(SEGUE_OPTION_UINT, "backlog", "connections that may wait to be accepted", "16", 1,
                  4096),
};
constexpr Info info = {
    .summary = "a unix stream socket between two processes of one host",
    .caps = SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_FDS | SEGUE_TRANSPORT_MULTI |
            SEGUE_TRANSPORT_BIDIRECTIONAL,
    .options = options,
};

} // namespace

SEGUE_EXPORT_TRANSPORT(UnixTransport, info);
