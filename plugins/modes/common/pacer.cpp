// SPDX-License-Identifier: Apache-2.0
#include "plugins/modes/common/pacer.hpp"

#include <algorithm>
#include <thread>

namespace segue::modes {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Clock::duration kNap = std::chrono::milliseconds(5); // between two looks at `stop`

} // namespace

void Pacer::begin() {
    began_ = Clock::now();
}

Result<std::chrono::nanoseconds> Pacer::await(std::uint64_t bytes_since_begin,
                                              const std::function<Result<bool>()>& stop) const {
    if (limit_ == 0)
        return std::chrono::nanoseconds(0);
    const auto from = Clock::now();
    const std::chrono::duration<double> fair(static_cast<double>(bytes_since_begin) /
                                             static_cast<double>(limit_));
    const auto due = began_ + std::chrono::duration_cast<Clock::duration>(fair);
    for (auto now = from; now < due; now = Clock::now()) {
        SEGUE_ASSIGN(const bool ended, stop());
        if (ended)
            break;
        std::this_thread::sleep_for(std::min(kNap, due - now));
    }
    return Clock::now() - from;
}

} // namespace segue::modes
