// SPDX-License-Identifier: Apache-2.0
// tcp_address.hpp - what transports over TCP share: where they listen and connect, as their options
// say it, and the sockets for that.
#pragma once

#include <segue/cpp/plugin.hpp>

#include "plugins/transports/common/endpoint.hpp"

namespace segue::tcp {

constexpr segue_option kAddressOption =
    required(string_option("address", "IP address and port: 192.0.2.1:4444 or [2001:db8::1]:4444; "
                                      "the incoming side listens there"));
constexpr segue_option kKeepaliveOption =
    number_option(SEGUE_OPTION_UINT, "keepalive",
                  "seconds of silence after which a peer is asked whether it lives; three such "
                  "times without an answer end the connection",
                  "5", 1, 3600);
constexpr segue_option kBacklogOption = number_option(
    SEGUE_OPTION_UINT, "backlog", "connections that may wait to be accepted", "16", 1, 4096);

// Value type. Nothing here blocks.
class TcpAddress {
public:
    static Result<TcpAddress> read(const Config& config);

    const std::string& text() const { return text_; }
    Result<UniqueFd> listen() const;
    // Again: nobody has connected yet.
    Result<UniqueFd> accept(int listener) const;
    // Again: nobody listens yet (`fd` is empty then), or the connection is being made: call again
    // with the same `fd`, which is empty at first.
    Status connect(UniqueFd& fd) const;

private:
    TcpAddress(std::string text, Endpoint endpoint, unsigned keepalive_s, int backlog)
        : text_(std::move(text))
        , endpoint_(endpoint)
        , keepalive_s_(keepalive_s)
        , backlog_(backlog) {}
    Status begin(UniqueFd& fd) const;

    std::string text_;
    Endpoint endpoint_;
    unsigned keepalive_s_;
    int backlog_;
};

} // namespace segue::tcp
