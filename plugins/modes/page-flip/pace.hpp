// SPDX-License-Identifier: Apache-2.0
// pace.hpp - how much RAM to copy in one stop, so that none takes much longer than it may.
#pragma once

#include <chrono>
#include <cstdint>

namespace page_flip {

// [one thread]
class Pace {
public:
    // One piece at least is a huge page; none is so large that host memory would be short of it.
    static constexpr std::uint64_t kLeast = 2u << 20, kMost = 16u << 20;

    explicit Pace(std::chrono::microseconds stop)
        : stop_(stop) {}

    // Bytes of the next piece.
    std::uint64_t next() const { return bytes_; }
    // What it took; 0: the guest did not run anyway.
    void took(std::uint64_t copied, std::chrono::microseconds stop);
    std::chrono::microseconds longest() const { return longest_; }

private:
    const std::chrono::microseconds stop_;
    std::chrono::microseconds longest_{0};
    std::uint64_t bytes_ = kLeast;
};

} // namespace page_flip
