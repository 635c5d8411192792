// SPDX-License-Identifier: Apache-2.0
#include "core/report/fault_times.hpp"

#include <algorithm>
#include <bit>

namespace segue::report {

using std::chrono::nanoseconds;

void FaultClock::add(std::uint32_t thread, nanoseconds took) {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), kSteps));
    const unsigned power = static_cast<unsigned>(std::bit_width(ns)) - 1;
    const std::uint64_t step = (ns << (63 - power) >> 59) % kSteps; // the bits after the first
    ++buckets_[std::size_t{power} * kSteps + step];
    ++us_[static_cast<std::size_t>(std::bit_width(ns / 1000))];
    for (Sum* sum : {&threads_[thread], &all_}) {
        ++sum->faults;
        sum->blocked += took;
    }
}

// The lower end of the bucket of the fault that `rank` faults were faster than.
nanoseconds FaultClock::at(std::uint64_t rank) const {
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        seen += buckets_[i];
        if (seen > rank) {
            const std::uint64_t floor = std::uint64_t{1} << (i / kSteps);
            return nanoseconds(floor + floor / kSteps * (i % kSteps));
        }
    }
    return {};
}

FaultTimes FaultClock::times(const std::map<std::uint32_t, std::string>& names) const {
    FaultTimes t;
    t.faults = all_.faults;
    t.blocked = all_.blocked;
    if (t.faults == 0)
        return t;
    t.mean = t.blocked / static_cast<std::int64_t>(t.faults);
    t.p50 = at(t.faults / 2);
    t.p99 = at(t.faults * 99 / 100);
    const auto last = std::find_if(us_.rbegin(), us_.rend(), [](auto n) { return n != 0; });
    t.histogram_us.assign(us_.begin(), last.base());
    std::map<std::string, Sum> by_name;
    for (const auto& [id, sum] : threads_) {
        const auto name = names.find(id);
        Sum& all = by_name[name != names.end() ? name->second : std::to_string(id)];
        all.faults += sum.faults;
        all.blocked += sum.blocked;
    }
    t.threads.reserve(by_name.size());
    for (const auto& [name, sum] : by_name)
        t.threads.push_back({name, sum.faults, sum.blocked});
    return t;
}

} // namespace segue::report
