// SPDX-License-Identifier: Apache-2.0
// copy_progress.hpp - how far a mode has got that gives the guest other RAM.
#pragma once

#include <chrono>
#include <cstdint>

namespace segue::report {

// Plain data, in bytes. From `rounds` on it is of RAM that is copied while the guest writes it, by
// the last look at what it wrote; 0 elsewhere.
struct CopyProgress {
    std::uint64_t done = 0, total = 0;   // as the mode counts them
    std::uint32_t rounds = 0;            // that have ended
    std::uint64_t left = 0;              // to be copied, now or in the pause
    std::uint64_t rate = 0;              // a second, in the last round that copied enough to tell
    std::chrono::nanoseconds expected{}; // what is left takes so long at that rate
    std::uint32_t throttle = 0;          // percent of the time that the vCPUs are kept out
};

} // namespace segue::report
