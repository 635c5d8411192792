// SPDX-License-Identifier: Apache-2.0
// vcpu_placement.hpp - the host's scheduling of the vCPU threads, the same after an update: an
// operator's taskset and chrt, which no configuration knows.
#pragma once

#include <vector>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"
#include "vmm/vcpu/scheduling.hpp"
#include "vmm/vcpu/vcpu_group.hpp"

namespace segue::vmm {

// Sections "vcpu-thread" of the manifest, one a vCPU. A manifest without any is of a VMM that
// carried none: the threads stay as they were started.
class VcpuPlacement {
public:
    // Old side: what is true now, the guest running. [update]
    static Status describe(const VcpuGroup& vcpus, state::Writer& manifest);

    // New side, [main] from here on. What the threads lack of it; nothing is changed yet, because
    // a thread that shares the CPU of a vCPU of the running guest would slow it down, or, where
    // that has a real-time policy, never come to rehearse.
    static Result<VcpuPlacement> read(const state::Reader& manifest, const VcpuGroup& vcpus);
    bool empty() const { return changes_.empty(); } // nothing is lacking
    // Whether the host lets apply() do it all; the threads sleep, and are as before afterwards.
    Status try_out() const;
    // Nobody else runs the guest. Gives what the host refuses, for a warning: a guest that runs
    // elsewhere is better than none.
    std::vector<Error> apply() const;

private:
    struct Change {
        std::size_t vcpu;
        pid_t tid;
        Scheduling wanted;
    };

    Scheduling inherited_; // by all vCPU threads alike
    std::vector<Change> changes_;
};

} // namespace segue::vmm
