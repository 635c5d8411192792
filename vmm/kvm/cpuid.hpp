// SPDX-License-Identifier: Apache-2.0
// cpuid.hpp - the CPU that a guest is shown at its first boot. It then travels in the manifest: a
// successor shows what was shown, whatever its own host could do.
#pragma once

#include "vmm/kvm/kvm.hpp"
#include "vmm/kvm/vm.hpp"

namespace segue::vmm {

// What a configuration asks for.
struct CpuChoice {
    std::string name = "host"; // or one of kBaselines
    bool nested = false;       // with VMX or SVM
};

// REFUSED where this host has not all of it.
Result<CpuidEntries> chosen_cpuid(const Kvm& kvm, const Vm& vm, const CpuChoice& choice);

// Policy "host": all that KVM supports, less what has state that is not carried: VMX and SVM where
// KVM has no nested state or `nested` does not ask for them, AMX without its permission, SGX, SEV,
// and every hypervisor's enlightenments but KVM's own (Hyper-V, Xen). The same for every vCPU.
Result<CpuidEntries> host_cpuid(const Kvm& kvm, const Vm& vm, bool nested);

bool shows_nesting(const CpuidEntries& cpu);
bool is_amd(const CpuidEntries& cpu);

// REFUSED where KVM may use pages of guest RAM by other ways than their addresses.
Status check_moving_pages(const CpuidEntries& cpu);

// How many bits a guest-physical address has (leaf 0x80000008), 36 where it does not say.
unsigned address_bits(const CpuidEntries& machine);

// The same CPU as vCPU `id` of `count`: one package, a core a vCPU, the APIC id equal to the vCPU's
// id (Intel SDM 2A, CPUID leaves 1, 4, 0xB, 0x1F; AMD APM 3, leaves 0x80000008, 0x8000001D/E).
CpuidEntries vcpu_cpuid(const CpuidEntries& machine, unsigned id, unsigned count);

} // namespace segue::vmm
