// SPDX-License-Identifier: Apache-2.0
// tracker.hpp - from polled counters to stand-stills: the arithmetic of the observer, no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

namespace segue::observer {

using Time = std::chrono::nanoseconds; // CLOCK_MONOTONIC

// The longest time in which a counter is proven to have stood still: two reads, at its begin and
// its end, saw the same value. A poll that comes late proves nothing, so it makes none longer.
struct StandStill {
    Time length{0};
    Time at_most{0}; // no stand-still can have been longer, this one or another between late polls
    Time begin{0};
    Time end{0};
};

struct VcpuMeasurement {
    StandStill longest;
    std::uint64_t counter = 0;  // as last read
    std::uint64_t backward = 0; // how often it was lower than before
};

struct Measurement {
    Time begin{0};
    Time end{0};
    std::uint64_t polls = 0;
    std::vector<VcpuMeasurement> vcpus;
    StandStill blackout; // the longest time in which no vCPU's counter moved
    StandStill own;      // the observer's noise: the longest time that one poll took; exact
};

// Fed by one thread. A measurement ends and the next begins between two polls; a stand-still that
// goes on over that belongs to both, with its whole length.
class Tracker {
public:
    explicit Tracker(std::size_t vcpus);

    // `counters` were read after `before` and before `after`, which is the next poll's `before`.
    void poll(Time before, Time after, std::span<const std::uint64_t> counters);
    // Since the last restart(); what still stands still counts up to the last poll.
    Measurement measured() const;
    void restart();

private:
    // One counter, or all of them together.
    struct Series {
        Time floor{0};       // begin of the last read that saw another value
        Time first_after{0}; // end of the first read that saw this value
        StandStill longest;

        StandStill current(Time last_before, Time last_after) const;
        void moved(Time after, Time last_before);
    };
    static StandStill longer(const StandStill& a, const StandStill& b);

    std::vector<Series> series_;
    Series all_;
    Measurement sums_; // without the stand-stills of the series
    Time last_before_{0};
    Time last_after_{0};
    bool polled_ = false;
};

} // namespace segue::observer
