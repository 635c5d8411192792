// SPDX-License-Identifier: Apache-2.0
// round_meter.hpp - at what rate a round went, and how long the rest would take.
#pragma once

#include "core/report/copy_progress.hpp"

namespace segue::update {

// What was sent up to now.
struct Sent {
    std::uint64_t bytes = 0;
    std::chrono::nanoseconds busy{}; // in sending it, of all channels together
    unsigned channels = 0;           // that had any of it
};

// A round goes from one look at the dirty log to the next. A mode that keeps to a bandwidth pauses
// between its pages; the guest's pause will have none of that, and the rate counts none. [update]
class RoundMeter {
public:
    void look(std::uint64_t left, const Sent& sent, report::CopyProgress& progress);

private:
    bool begun_ = false;
    Sent before_;
};

} // namespace segue::update
