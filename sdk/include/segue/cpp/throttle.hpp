// SPDX-License-Identifier: Apache-2.0
// throttle.hpp - slowing a guest down that writes too fast, for a mode, typed:
// <segue/abi/throttle.h>.
#pragma once

#include <segue/abi/throttle.h>
#include <segue/cpp/host.hpp>

namespace segue {

// May be copied; lives as long as the mode's instance. [update; phase copy]
class Throttle {
public:
    explicit Throttle(const Host& host)
        : t_(host.service<segue_host_throttle>(SEGUE_THROTTLE_ID)) {}

    // The part of the time in which the guest's vCPUs do not run, 0 to SEGUE_THROTTLE_MAX percent.
    Status set(unsigned percent) const {
        return Host::call([&](segue_error* e) { return t_->set(t_->h, percent, e); });
    }

private:
    const segue_host_throttle* t_;
};

} // namespace segue
