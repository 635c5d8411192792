// SPDX-License-Identifier: Apache-2.0
// copy_guest.hpp - a guest in private RAM, half of it zeros and half random, or all of it random,
// and one update of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/bench/bench_vmm.hpp"
#include "tests/bench/gaps.hpp"

namespace segue::bench {

struct CopySpec {
    std::string mode, options;   // options as in "channels = 2"
    unsigned ram_mib = 4096;     // private, besides the block in which the guest tells of itself
    std::uint64_t write_mib = 0; // a second that the guest rewrites, of what is random
    bool full = false;           // nothing of it is zeros
};

struct Copied {
    double cpu_s = 0;   // of both processes, their start and end with it, but for the guest itself
    double seconds = 0; // from the request until the new side has the guest and its RAM
    double blackout_ms = 0; // the pause at the end of it, as the engine says
    double longest_ms = 0;  // the guest's own: its longest gap from before the update until after
    std::optional<report::FaultTimes> faults = {}; // where it waited for pages
};

// A fresh one for each update, which gives it other RAM. One vCPU, which halts when it has nothing
// to write. [one thread]
class CopyGuest {
public:
    // Until all of its RAM is there.
    static Result<std::unique_ptr<CopyGuest>> start(const CopySpec& spec);

    Result<Copied> update();
    pid_t owner() const { return vmm_.owner(); }

private:
    explicit CopyGuest(const CopySpec& spec)
        : spec_(spec) {}
    Status boot();
    Status filled() const;
    Result<report::UpdateRecord> finished(const std::string& id) const;
    // Of the guest's page as it is now.
    Result<double> longest_us() const;

    const CopySpec spec_;
    BenchVmm vmm_;
    double load_ = 0; // CPUs that the guest takes by itself
};

} // namespace segue::bench
