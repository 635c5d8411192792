// SPDX-License-Identifier: Apache-2.0
// msrs.hpp - which MSRs are a vCPU's state, in which order they are written, and how.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <segue/cpp/result.hpp>

#include "vmm/kvm/kvm.hpp"
#include "vmm/kvm/vcpu.hpp"

namespace segue::vmm {

// When an MSR is written; the state holds them in this order.
enum class MsrStep {
    First,       // FEATURE_CONTROL: before CR4.VMXE, which SREGS2 may set
    Plain,       // after the LAPIC
    Last,        // PMU global control: starts the counters that Plain has set
    Deadline,    // TSC_DEADLINE: after the TSC offset, which it is compared with
    Paravirtual, // writes guest RAM: in the pause only, after KVM_SET_CLOCK
    Never,       // TSC (the offset moves instead), and second names of others
};

MsrStep msr_step(std::uint32_t index);

// The kernel's {count, entries} in one buffer, allocated once.
class MsrBlock {
public:
    explicit MsrBlock(std::size_t room)
        : words_(1 + 2 * room) {}

    std::size_t room() const { return words_.size() / 2; }
    // Sets the count; gives the first `count` entries.
    std::span<kvm_msr_entry> use(std::size_t count);
    kvm_msrs* raw() { return reinterpret_cast<kvm_msrs*>(words_.data()); }

private:
    std::vector<std::uint64_t> words_;
};

// The index list, MTRRs, machine-check banks and what is not listed, as far as this vCPU can be
// read at them and the guest can know of them, sorted by step. [vcpu]
Result<std::vector<std::uint32_t>> msrs_of(const Kvm& kvm, const Vcpu& vcpu);

// Reads the value of each entry. [vcpu]
Status read_msrs(const Vcpu& vcpu, MsrBlock& block, std::span<kvm_msr_entry> entries);

// Writes them in turn. A refused one is an error that names it, unless the vCPU already holds the
// value. [vcpu]
Status write_msrs(const Vcpu& vcpu, MsrBlock& block, std::span<const kvm_msr_entry> entries);

} // namespace segue::vmm
