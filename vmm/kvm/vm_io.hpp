// SPDX-License-Identifier: Apache-2.0
// vm_io.hpp - reads the VM's own state out of KVM and writes it into another; the order among
// these and the vCPUs' is in vcpu_io.hpp.
#pragma once

#include <segue/cpp/result.hpp>

#include "vmm/kvm/vm.hpp"
#include "vmm/kvm/vm_state.hpp"

namespace segue::vmm {

// With the parts that do not change while the guest runs: boot id, capabilities. Before the pause.
Result<VmState> blank_vm_state(const Vm& vm);

// PIT, IOAPIC, PIC: before the LAPICs that they send to. [pause]
Status read_chips(const Vm& vm, VmState& state);
// Last of all. [pause]
Status read_clock(const Vm& vm, VmState& state);

// REFUSED where a capability differs: it is named. Before the pause, on the blank state of the old
// side.
Status check_fit(const Vm& vm, const VmState& state);

// After all vCPUs' write(). Chips, then the clock, advanced by the time since read_clock(). [pause]
Status write_vm(const Vm& vm, const VmState& state);

// The clock to set at `boottime_ns`, `realtime_ns` so that the guest sees the time that passed.
// KVM adds it itself (KVM_CLOCK_REALTIME) unless the host's wall clock was stepped meanwhile.
kvm_clock_data advanced(const VmState& state, std::int64_t boottime_ns, std::int64_t realtime_ns);

} // namespace segue::vmm
