// SPDX-License-Identifier: Apache-2.0
// watch.hpp - one descriptor to poll for several, and for a moment.
#pragma once

#include <chrono>
#include <cstdint>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace tls {

// epoll(7) with a timerfd: readable once one of them is. [one thread at a time]
class Watch {
public:
    static segue::Result<Watch> make();

    int fd() const { return epoll_.get(); }
    // `events`: EPOLL*. A descriptor that is closed is no longer watched.
    segue::Status add(int fd, std::uint32_t events);
    // Of one that is watched; 0: of no use for now.
    segue::Status change(int fd, std::uint32_t events);
    // Wakes at `moment`, and from then on until another one is set.
    segue::Status wake_at(std::chrono::steady_clock::time_point moment);
    void sleep() noexcept; // no more
    // Takes notice of the edges (EPOLLET) so far; for four descriptors at most.
    void clear();

private:
    segue::UniqueFd epoll_, timer_;
};

} // namespace tls
