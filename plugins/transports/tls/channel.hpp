// SPDX-License-Identifier: Apache-2.0
// channel.hpp - a channel and a listener of transport tls.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <segue/cpp/transport.hpp>

#include "handshake.hpp"
#include "plugins/transports/common/tcp_address.hpp"

namespace tls {

class TlsChannel final : public segue::Channel {
public:
    explicit TlsChannel(std::unique_ptr<Connection> open)
        : open_(std::move(open)) {}

    // The connecting side, step by step. Again with nothing(): nobody listens.
    segue::Status connect(const segue::tcp::TcpAddress& to,
                          const std::shared_ptr<const Context>& context);
    bool nothing() const { return !socket_ && !handshake_ && !open_; }

    segue::Ready ready() override;
    segue::Result<std::uint64_t> read(segue::ConstIov to, std::vector<segue::UniqueFd>& fds,
                                      std::uint32_t room) override;
    segue::Result<std::uint64_t> write(segue::ConstIov from, std::span<const int> fds) override;
    segue::Status finish(std::uint32_t how) override;

private:
    // One of them at a time, in this order.
    segue::UniqueFd socket_;
    std::unique_ptr<Handshake> handshake_;
    std::unique_ptr<Connection> open_;
};

// Whoever fails to prove who it is is passed over, with a line in the log: a stranger at the port
// does not stop an update. If nobody better comes while such a one's time runs, accept() says why.
class TlsListener final : public segue::Listener {
public:
    static segue::Result<std::unique_ptr<TlsListener>> make(segue::tcp::TcpAddress address,
                                                            std::shared_ptr<const Context> context,
                                                            const segue::Host& host);

    segue::Ready ready() override { return {watch_.fd(), POLLIN}; }
    segue::Result<std::unique_ptr<segue::Channel>> accept() override;

private:
    struct Failure {
        segue::Error why;
        Handshake::Clock::time_point limit;
    };

    TlsListener(segue::tcp::TcpAddress address, std::shared_ptr<const Context> context,
                const segue::Host& host, segue::UniqueFd fd, Watch watch);
    segue::Status let_in();
    segue::Status attend();
    segue::Status pass_over(const Handshake& one, segue::Error why);

    segue::tcp::TcpAddress address_;
    std::shared_ptr<const Context> context_;
    segue::Host host_;
    segue::UniqueFd fd_;
    Watch watch_;
    bool attends_ = true;                            // to who connects
    std::vector<std::unique_ptr<Handshake>> guests_; // not known yet
    std::optional<Failure> failure_;                 // the first since somebody was taken
};

} // namespace tls
