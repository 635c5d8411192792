// SPDX-License-Identifier: Apache-2.0
// standstill.hpp - a thread that watches the counters of a guest in the same process.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

namespace segue::bench {

// Polls every 20 us. A stand-still is the time in which no counter moved, from the last poll that
// saw one move to the next such: too long by at most two polls.
class StandStill {
public:
    // `counters` are in guest RAM and outlive this. `core`: where to watch.
    StandStill(std::vector<const std::uint64_t*> counters, int core);
    ~StandStill();
    StandStill(const StandStill&) = delete;
    StandStill& operator=(const StandStill&) = delete;

    // Microseconds; starts again from here.
    void restart() { longest_ns_ = 0; }
    double longest_us() const { return static_cast<double>(longest_ns_.load()) / 1000; }
    // A counter fell: the guest went on from a wrong state.
    bool went_back() const { return went_back_; }

private:
    void watch(int core);
    bool moved();

    std::vector<const std::uint64_t*> counters_;
    std::vector<std::uint64_t> seen_;
    std::atomic<std::int64_t> longest_ns_{0};
    std::atomic<bool> went_back_{false};
    std::atomic<bool> end_{false};
    std::thread thread_;
};

} // namespace segue::bench
