// SPDX-License-Identifier: Apache-2.0
// deadline.hpp - a point in monotonic time; every wait has one.
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>

namespace segue {

// Value type. [any]
class Deadline {
public:
    using Clock = std::chrono::steady_clock;

    static Deadline in(std::chrono::microseconds time) { return Deadline(Clock::now() + time); }
    static Deadline at(Clock::time_point point) { return Deadline(point); }
    static Deadline never() { return Deadline(Clock::time_point::max()); }

    bool passed() const { return at_ != Clock::time_point::max() && Clock::now() >= at_; }
    Clock::time_point at() const { return at_; }
    bool is_never() const { return at_ == Clock::time_point::max(); }

    // What poll(2) takes: milliseconds, rounded up, 0 once passed, -1 for never.
    int poll_ms() const {
        if (is_never())
            return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - Clock::now()).count();
        return static_cast<int>(std::clamp<long long>(left, 0, std::numeric_limits<int>::max()));
    }
    // The earlier of two.
    friend Deadline earlier(Deadline a, Deadline b) { return a.at_ < b.at_ ? a : b; }

private:
    explicit Deadline(Clock::time_point at)
        : at_(at) {}
    Clock::time_point at_;
};

} // namespace segue
