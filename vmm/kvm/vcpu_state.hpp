// SPDX-License-Identifier: Apache-2.0
// vcpu_state.hpp - all that KVM holds of one vCPU, as the kernel's own structures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "vmm/kvm/uapi.hpp"

namespace segue::vmm {

// Plain data; vcpu_io.hpp reads and writes it, codec.hpp carries it.
struct VcpuState {
    kvm_mp_state mp = {};
    kvm_regs regs = {};
    kvm_sregs2 sregs = {};
    std::vector<std::byte> xsave; // KVM_CAP_XSAVE2 bytes
    std::vector<std::byte>
        nested; // KVM_CAP_NESTED_STATE bytes; empty: the guest sees neither VMX nor SVM
    kvm_xcrs xcrs = {};
    kvm_debugregs debug = {};
    std::vector<kvm_msr_entry> msrs; // in the order of MsrStep
    kvm_lapic_state lapic = {};
    kvm_vcpu_events events = {};
    std::uint64_t tsc_offset = 0; // of this boot's host TSC
    std::uint32_t tsc_khz = 0;
};

} // namespace segue::vmm
