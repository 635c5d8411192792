// SPDX-License-Identifier: Apache-2.0
#include "core/observer/tracker.hpp"

#include <algorithm>

namespace segue::observer {

Tracker::Tracker(std::size_t vcpus)
    : series_(vcpus) {
    sums_.vcpus.resize(vcpus);
}

// Seen by every read from the one that ended at first_after to the one that began at last_before.
StandStill Tracker::Series::current(Time last_before, Time last_after) const {
    const Time length = std::max(Time{0}, last_before - first_after);
    return {length, last_after - floor, first_after, first_after + length};
}

void Tracker::Series::moved(Time after, Time last_before) {
    longest = longer(longest, current(last_before, after));
    floor = last_before;
    first_after = after;
}

StandStill Tracker::longer(const StandStill& a, const StandStill& b) {
    StandStill longest = b.length > a.length ? b : a;
    longest.at_most = std::max(a.at_most, b.at_most);
    return longest;
}

void Tracker::poll(Time before, Time after, std::span<const std::uint64_t> counters) {
    if (!polled_) {
        sums_.begin = before;
        all_.floor = all_.first_after = after;
    }
    bool any = false;
    for (std::size_t i = 0; i < series_.size(); i++) {
        VcpuMeasurement& vcpu = sums_.vcpus[i];
        if (!polled_) {
            series_[i].floor = series_[i].first_after = after;
        } else if (counters[i] != vcpu.counter) {
            series_[i].moved(after, last_before_);
            vcpu.backward += counters[i] < vcpu.counter ? 1 : 0;
            any = true;
        }
        vcpu.counter = counters[i];
    }
    if (any)
        all_.moved(after, last_before_);
    sums_.own = longer(sums_.own, {after - before, after - before, before, after});
    sums_.polls++;
    last_before_ = before;
    last_after_ = after;
    polled_ = true;
}

Measurement Tracker::measured() const {
    Measurement m = sums_;
    m.end = last_after_;
    for (std::size_t i = 0; i < series_.size(); i++)
        m.vcpus[i].longest =
            longer(series_[i].longest, series_[i].current(last_before_, last_after_));
    m.blackout = longer(all_.longest, all_.current(last_before_, last_after_));
    return m;
}

void Tracker::restart() {
    for (Series& s : series_)
        s.longest = {};
    all_.longest = {};
    for (VcpuMeasurement& v : sums_.vcpus)
        v.backward = 0;
    sums_.own = {};
    sums_.polls = 0;
    sums_.begin = last_after_;
}

} // namespace segue::observer
