// SPDX-License-Identifier: Apache-2.0
// bench_guest.hpp - a metronome in a shipped VMM, watched from outside while it is updated.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/observer/observer.hpp"
#include "tests/bench/bench_vmm.hpp"
#include "tests/bench/gaps.hpp"
#include "tests/bench/placement.hpp"

namespace segue::bench {

struct BenchSpec {
    unsigned ram_mib = 256, vcpus = 1;
    std::vector<std::string> modes; // that its configuration allows
    Placement placement = Placement::Free;
};

// One update as the guest and the engine saw it.
struct Observed {
    // The longest gap of any vCPU. Only what overlaps the pause counts: a hold-up of the machine
    // at another time is in `idle`.
    double blackout_us = 0;
    report::UpdateRecord record;
};

// The VMM next to this program, the metronome of the same build, folders of its own. Gone with
// this. [one thread]
class BenchGuest {
public:
    static Result<std::unique_ptr<BenchGuest>> start(const BenchSpec& spec);
    BenchGuest(const BenchGuest&) = delete;
    BenchGuest& operator=(const BenchGuest&) = delete;

    // Microseconds of its longest gap while nobody does anything to it.
    Result<double> idle(std::chrono::milliseconds time);
    Result<Observed> update(const std::string& mode);
    // Out of the way of what else is measured.
    Status pause() const { return vmm_.client().pause(); }
    Status resume() const;
    // Whether all that the guest verified of itself so far was right.
    Status check() const;

private:
    explicit BenchGuest(const BenchSpec& spec)
        : spec_(spec) {}
    Status boot();
    Status watch(const control::VmInfo& vm);
    // A few milliseconds.
    struct Slice {
        observer::Measurement seen;
        double gap_us;
    };
    Slice cut();
    // `slices`: what was seen meanwhile.
    Result<report::UpdateRecord> finished(const std::string& id, std::vector<Slice>& slices);
    static Result<double> blackout_in(const std::vector<Slice>& slices,
                                      const report::UpdateRecord& record);

    BenchSpec spec_;
    BenchVmm vmm_;
    std::uint64_t inode_ = 0; // of the RAM that is watched
    std::unique_ptr<observer::Observer> observer_;
    std::optional<Gaps> gaps_;
};

} // namespace segue::bench
