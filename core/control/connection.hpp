// SPDX-License-Identifier: Apache-2.0
// connection.hpp - the HTTP of one connection: requests in, answers out, until it ends.
//
// In place of Poco's own HTTPServerConnection, which answers what it cannot read without a body.
#pragma once

#include <atomic>

#include "core/control/server.hpp"

namespace Poco::Net {
class TCPServerConnectionFactory;
}

namespace segue::control {

// What every connection of a server shares.
struct House {
    Service& service;
    const ServerLimits limits;
    // What the update thread, or a standby's main thread, says to all.
    std::atomic<bool> closing{false};  // every answer ends its connection
    std::atomic<bool> stand_in{false}; // every answer is "ask again"
};

// For a Poco server, which owns it; `house` outlives both.
Poco::Net::TCPServerConnectionFactory* make_connections(House& house);

} // namespace segue::control
