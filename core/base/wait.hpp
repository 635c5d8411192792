// SPDX-License-Identifier: Apache-2.0
// wait.hpp - one way to wait: for a descriptor, under a deadline, a cancel and a peer's life.
#pragma once

#include <segue/cpp/result.hpp>

#include "core/base/deadline.hpp"

namespace segue {

// What a wait listens to besides what it waits for; -1: nothing. Borrows its descriptors. [any]
struct Waiter {
    Deadline deadline = Deadline::never();
    int cancel_fd = -1;  // readable: CANCELLED
    int peer_pidfd = -1; // readable: CLOSED, unless what is waited for is ready as well

    // Until `fd` has one of `events` (poll(2)) or hangs up; -1 waits for the others alone.
    // DEADLINE, CANCELLED or CLOSED.
    Status until(int fd, short events) const;
    // For what has no descriptor: `ms` go by, or less.
    Status nap(int ms) const;
    // Whether a cancel or the deadline is there already.
    Status check() const;
};

} // namespace segue
