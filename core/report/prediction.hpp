// SPDX-License-Identifier: Apache-2.0
// prediction.hpp - how long the guest will stand still, by what earlier updates took.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "core/report/record.hpp"

namespace segue::report {

// Unknown while `samples` is below kEnough: both times are 0 then.
struct Prediction {
    static constexpr std::size_t kEnough = 5, kMost = 20;

    bool known() const { return samples >= kEnough; }

    std::size_t samples = 0; // the newest completed updates by that mode, kMost at most
    std::chrono::nanoseconds median{};
    std::chrono::nanoseconds bound{}; // 1.5 times the worst of them
};

// `newest_first`: of one guest.
Prediction predict(const std::vector<UpdateRecord>& newest_first, const std::string& mode);

} // namespace segue::report
