// SPDX-License-Identifier: Apache-2.0
#include "core/report/prediction.hpp"

#include <algorithm>

namespace segue::report {

Prediction predict(const std::vector<UpdateRecord>& newest_first, const std::string& mode) {
    std::vector<std::chrono::nanoseconds> times;
    for (const UpdateRecord& r : newest_first)
        if (r.mode == mode && !r.rehearsal && r.status == UpdateStatus::Completed &&
            r.blackout.count() > 0 && times.size() < Prediction::kMost)
            times.push_back(r.blackout);
    Prediction p;
    p.samples = times.size();
    if (!p.known())
        return p;
    std::sort(times.begin(), times.end());
    p.median = times[times.size() / 2];
    p.bound = times.back() * 3 / 2;
    return p;
}

} // namespace segue::report
