// SPDX-License-Identifier: Apache-2.0
// pacer.hpp - keeps what a mode sends below so many bytes a second.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include <segue/cpp/result.hpp>

namespace segue::modes {

// The limit is of all channels together: each waits for what all have sent. [update; begin() while
// nothing is sent, await() by any thread]
class Pacer {
public:
    explicit Pacer(std::uint64_t bytes_a_second) // 0: no limit
        : limit_(bytes_a_second) {}

    void begin();
    // Until so many bytes are due, or `stop`, which is asked every 5 ms, says so. Returns how long
    // that was.
    Result<std::chrono::nanoseconds> await(std::uint64_t bytes_since_begin,
                                           const std::function<Result<bool>()>& stop) const;

private:
    std::uint64_t limit_;
    std::chrono::steady_clock::time_point began_;
};

} // namespace segue::modes
