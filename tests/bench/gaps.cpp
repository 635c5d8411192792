// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/gaps.hpp"

#include <fcntl.h>

#include <algorithm>
#include <string>

#include <segue/cpp/sys.hpp>

#include "core/observer/page.h"

namespace segue::bench {

namespace {

// The guest reads its clock before it counts: a stop between the two makes two gaps of what an
// observer, who sees the counter, takes for one.
constexpr double kGaps = 2;

double us(observer::Time t) {
    return static_cast<double>(t.count()) / 1000;
}

} // namespace

Result<Gaps> Gaps::of(const observer::Ram& ram) {
    SEGUE_ASSIGN(const UniqueFd fd, sys::open(ram.path, O_RDWR));
    SEGUE_ASSIGN(Mapping page,
                 Mapping::make(SEGUE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(),
                               static_cast<off_t>(ram.offset + SEGUE_PAGE_GPA), ram.path));
    return Gaps(std::move(page));
}

double Gaps::take_us() {
    auto* page = reinterpret_cast<segue_page*>(page_.data());
    std::uint64_t longest = 0;
    // In one step, or a gap that the guest writes in between is lost.
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(page->header.vcpus, SEGUE_PAGE_MAX_VCPUS);
         ++i)
        longest =
            std::max(longest, __atomic_exchange_n(&page->slot[i].gap_cycles, 0, __ATOMIC_SEQ_CST));
    return static_cast<double>(longest) * 1000 / static_cast<double>(page->header.tsc_khz);
}

Status check_gap(double gap_us, const observer::Measurement& seen) {
    const double proven = us(seen.blackout.length);
    const bool goes_on = seen.blackout.end + seen.own.length >= seen.end; // not told yet
    if (goes_on || gap_us * kGaps >= proven)
        return {};
    return Error(Code::Corrupt, "the guest says that it missed " + std::to_string(gap_us) +
                                    " us at most, and an observer saw it stand still for " +
                                    std::to_string(proven) + " us: its TSC did not go on");
}

} // namespace segue::bench
