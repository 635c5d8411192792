// SPDX-License-Identifier: Apache-2.0
// vcpu_io.hpp - reads a vCPU's whole state out of KVM and writes it into another.
#pragma once

#include <cstdint>
#include <vector>

#include <segue/cpp/result.hpp>

#include "vmm/kvm/msrs.hpp"
#include "vmm/kvm/vcpu.hpp"
#include "vmm/kvm/vcpu_state.hpp"

namespace segue::vmm {

// One a vCPU, made before the pause; allocates nothing after that. All calls on the vCPU's thread,
// which is out of KVM_RUN. The vCPU must outlive it, and stay where it is.
//
// The machine's order, each line for all vCPUs before the next:
//   old: read_mp_state; read_chips (vm_io.hpp); read; read_clock
//   new: write; write_vm; write_paravirtual
class VcpuIo {
public:
    // After set_cpuid(): the CPUID decides which MSRs there are.
    static Result<VcpuIo> make(const Kvm& kvm, const Vm& vm, Vcpu& vcpu);

    // A state with room for all that read() fills in.
    VcpuState blank() const;

    // Takes pending INITs and SIPIs, which changes the registers: first.
    Status read_mp_state(VcpuState& state);
    Status read(VcpuState& state);

    // Everything but the paravirtual MSRs. REFUSED names what this vCPU cannot hold.
    Status write(const VcpuState& state);
    // After KVM_SET_CLOCK: writes guest RAM, so only the owner's side may.
    Status write_paravirtual(const VcpuState& state);

    // In the standby: enters the guest without running it, and writes back all that was read.
    // Proves the settable set of MSRs and touches every buffer and kernel path of the pause.
    Status rehearse();

private:
    VcpuIo(Vcpu& vcpu, std::vector<std::uint32_t> msrs);
    Status fits(const VcpuState& state) const;
    Status write_core(const VcpuState& state);
    Status write_step(const VcpuState& state, MsrStep first, MsrStep last);

    Vcpu* vcpu_;
    std::vector<std::uint32_t> msrs_;
    MsrBlock block_;
    std::size_t xsave_bytes_ = 0;
    std::size_t nested_bytes_ = 0;
    bool has_xcrs_ = false; // not on a host without XSAVE
    std::uint32_t tsc_khz_ = 0;
};

// Tells the guest's watchdogs that it was stopped; before it goes on, on either side. [vcpu]
Status tell_stopped(const Vcpu& vcpu);

} // namespace segue::vmm
