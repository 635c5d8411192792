// SPDX-License-Identifier: Apache-2.0
// machine_io.hpp - all KVM state of a VM, in the one order in which it may be read and written.
#pragma once

#include <span>
#include <vector>

#include "vmm/kvm/vcpu_io.hpp"
#include "vmm/kvm/vm_io.hpp"

namespace segue::vmm {

struct KvmState {
    VmState vm;
    std::vector<VcpuState> vcpus;
};

// Room for all that save() fills in. Before the pause.
Result<KvmState> blank_state(const Vm& vm, std::span<const VcpuIo> vcpus);

// The whole move from the calling thread, no vCPU running. Where a vCPU's calls must be made on
// its own thread, these four lines are the order to keep.
Status save(const Vm& vm, std::span<VcpuIo> vcpus, KvmState& state);
Status load(const Vm& vm, std::span<VcpuIo> vcpus, const KvmState& state);

} // namespace segue::vmm
