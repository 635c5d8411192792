// SPDX-License-Identifier: Apache-2.0
// handshake.hpp - a connection until both sides know each other, and no longer than that may take.
#pragma once

#include <chrono>
#include <memory>

#include "connection.hpp"
#include "watch.hpp"

namespace tls {

// [one thread at a time]
class Handshake {
public:
    using Clock = std::chrono::steady_clock;

    static segue::Result<std::unique_ptr<Handshake>> begin(std::shared_ptr<const Context> context,
                                                           segue::UniqueFd fd, Role role);

    int fd() const { return watch_.fd(); } // readable once go_on() may get further
    // Again while it goes on; Deadline: the other side took too long.
    segue::Status go_on();
    std::unique_ptr<Connection> take() { return std::move(connection_); }
    // When it is too late. Clock::time_point::max(): the host's deadline alone counts.
    Clock::time_point limit() const { return limit_; }

private:
    Handshake(std::unique_ptr<Connection> connection, Watch watch,
              std::chrono::microseconds patience);
    segue::Status start_clock();

    std::unique_ptr<Connection> connection_;
    Watch watch_;
    std::chrono::microseconds patience_;
    Clock::time_point limit_ = Clock::time_point::max();
};

} // namespace tls
