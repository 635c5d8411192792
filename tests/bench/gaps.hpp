// SPDX-License-Identifier: Apache-2.0
// gaps.hpp - how long a guest itself missed: the longest time between two of its reads of the TSC.
#pragma once

#include <segue/cpp/mapping.hpp>
#include <segue/cpp/result.hpp>

#include "core/observer/observer.hpp"

namespace segue::bench {

// The metronome keeps its longest gap; this takes it out and lets it begin anew. It costs the
// machine nothing, where an observer that polls finely enough takes a good part of a core from the
// very threads that are measured. [one thread]
class Gaps {
public:
    // `ram`: of a guest that has written its observation page (core/observer/page.h).
    static Result<Gaps> of(const observer::Ram& ram);

    // Microseconds: the longest gap of any vCPU that has ended since the last call.
    double take_us();

private:
    explicit Gaps(Mapping page)
        : page_(std::move(page)) {}
    Mapping page_;
};

// A gap as the guest's clock tells it cannot be much shorter than what an observer proves from
// outside: an error where it is, because then the guest's clock stood still or went back.
Status check_gap(double gap_us, const observer::Measurement& seen);

} // namespace segue::bench
