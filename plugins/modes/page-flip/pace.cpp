// SPDX-License-Identifier: Apache-2.0
#include "pace.hpp"

#include <algorithm>

namespace page_flip {

// A stop takes some time whatever is copied, so what would fit is overestimated only where it is
// small; it grows by half at most, and shrinks at once.
void Pace::took(std::uint64_t copied, std::chrono::microseconds stop) {
    longest_ = std::max(longest_, stop);
    if (stop.count() == 0) {
        bytes_ = kMost;
        return;
    }
    if (stop <= stop_ && copied < bytes_ / 2) // holes: it says nothing of a full piece
        return;
    const double fits = static_cast<double>(copied) * static_cast<double>(stop_.count()) /
                        static_cast<double>(stop.count());
    const auto most = static_cast<double>(std::min(kMost, bytes_ + bytes_ / 2));
    bytes_ = static_cast<std::uint64_t>(std::clamp(fits, static_cast<double>(kLeast), most));
}

} // namespace page_flip
