// SPDX-License-Identifier: Apache-2.0
// plugin.cpp - transport "tls": a TCP connection whose both sides prove who they are, encrypted.
// TLS 1.3 only, by certificates of both sides or by a key that both have; never without.
#include "channel.hpp"

namespace {

using namespace segue;
using namespace tls;

class Tls final : public Transport {
public:
    Tls(tcp::TcpAddress address, Settings settings, const Host& host)
        : address_(std::move(address))
        , settings_(std::move(settings))
        , host_(host) {}

    static Result<std::unique_ptr<Tls>> create(const Config& config, const Host& host) {
        SEGUE_ASSIGN(tcp::TcpAddress address, tcp::TcpAddress::read(config));
        SEGUE_ASSIGN(Settings settings, Settings::read(config));
        return std::make_unique<Tls>(std::move(address), std::move(settings), host);
    }

    Status check() override {
        SEGUE_ASSIGN(const auto context, Context::load(settings_));
        return context->check_time();
    }

    Result<std::unique_ptr<Listener>> listen() override {
        SEGUE_TRY(load());
        SEGUE_ASSIGN(auto listener, TlsListener::make(address_, context_, host_));
        return std::unique_ptr<Listener>(std::move(listener));
    }

    Status connect(std::unique_ptr<Channel>& channel) override {
        SEGUE_TRY(load());
        if (!channel)
            channel = std::make_unique<TlsChannel>(nullptr);
        auto& making = static_cast<TlsChannel&>(*channel);
        Status s = making.connect(address_, context_);
        if (making.nothing())
            channel.reset();
        return s;
    }

private:
    // Once an update: a renewed certificate counts from the next one on.
    Status load() {
        if (!context_) {
            SEGUE_ASSIGN(context_, Context::load(settings_));
        }
        return {};
    }

    tcp::TcpAddress address_;
    Settings settings_;
    Host host_;
    std::shared_ptr<const Context> context_;
};

constexpr segue_option options[] = {tcp::kAddressOption,
                                    kCa,
                                    kCert,
                                    kKey,
                                    kPeerName,
                                    kPsk,
                                    kPskIdentity,
                                    kHandshake,
                                    kRekey,
                                    tcp::kKeepaliveOption,
                                    tcp::kBacklogOption};
constexpr Info info = {
    .summary = "a TCP connection, encrypted, both sides known by certificates or a shared key",
    .caps = SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_MULTI | SEGUE_TRANSPORT_ENCRYPTED |
            SEGUE_TRANSPORT_BIDIRECTIONAL,
    .options = options,
};

} // namespace

SEGUE_EXPORT_TRANSPORT(Tls, info);
