// SPDX-License-Identifier: Apache-2.0
// fault_times.hpp - how long a guest waited for pages of its RAM that had not come yet.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace segue::report {

// Plain data, as reports show it.
struct FaultTimes {
    struct Thread {
        std::string name; // "vcpu0"
        std::uint64_t faults = 0;
        std::chrono::nanoseconds blocked{};
    };
    std::uint64_t faults = 0;
    std::chrono::nanoseconds blocked{}; // of all together
    std::chrono::nanoseconds mean{}, p50{}, p99{};
    std::vector<std::uint64_t> histogram_us; // [i]: how many took less than 2^i us, and no less
    std::vector<Thread> threads;
};

// Counts them as they come, in buckets that are 1/16 of a power of two wide. [one thread at a time]
class FaultClock {
public:
    void add(std::uint32_t thread, std::chrono::nanoseconds took);
    // Threads of one name are one.
    FaultTimes times(const std::map<std::uint32_t, std::string>& names) const;

private:
    static constexpr unsigned kSteps = 16; // a power of two
    struct Sum {
        std::uint64_t faults = 0;
        std::chrono::nanoseconds blocked{};
    };
    std::chrono::nanoseconds at(std::uint64_t rank) const;

    std::array<std::uint64_t, std::size_t{64}* kSteps> buckets_ = {}; // by ns
    std::array<std::uint64_t, 64> us_ = {}; // by the width of the number of us
    std::map<std::uint32_t, Sum> threads_;
    Sum all_;
};

} // namespace segue::report
