// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/cpuid.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "vmm/kvm/cpu_baselines.hpp"
#include "vmm/kvm/cpu_features.hpp"
#include "vmm/kvm/cpuid_entries.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint32_t kHypervisor = 0x40000000;

constexpr std::uint32_t bit(unsigned n) {
    return std::uint32_t{1} << n;
}

void drop(CpuidEntries& in, std::uint32_t first, std::uint32_t last) {
    std::erase_if(
        in, [&](const kvm_cpuid_entry2& e) { return e.function >= first && e.function <= last; });
}

bool is_kvm(const kvm_cpuid_entry2& e) {
    std::uint32_t name[3] = {e.ebx, e.ecx, e.edx};
    return std::memcmp(name, "KVMKVMKVM\0\0\0", 12) == 0;
}

// KVM's own two leaves stay; leaves of other hypervisors carry state in synthetic MSRs and pages.
void keep_only_kvm_leaves(CpuidEntries& in) {
    kvm_cpuid_entry2* const head = find_leaf(in, kHypervisor);
    if (head == nullptr || !is_kvm(*head)) {
        drop(in, kHypervisor, kHypervisor + 0xffff);
        return;
    }
    head->eax = kHypervisor + 1;
    drop(in, kHypervisor + 2, kHypervisor + 0xffff);
}

void mask_features(CpuidEntries& in, bool nesting) {
    auto* const xsave = find_leaf(in, 0xd);
    const bool amx = xsave != nullptr && (xsave->eax & bit(18)) != 0;
    if (auto* const e = find_leaf(in, 1); e != nullptr && !nesting)
        e->ecx &= ~bit(5); // VMX
    if (auto* const e = find_leaf(in, 0x80000001); e != nullptr && !nesting)
        e->ecx &= ~bit(2); // SVM
    if (auto* const e = find_leaf(in, 7); e != nullptr) {
        e->ebx &= ~bit(2);  // SGX
        e->ecx &= ~bit(30); // SGX launch control
        if (!amx)
            e->edx &= ~(bit(22) | bit(24) | bit(25));
    }
    drop(in, 0x12, 0x12);             // SGX
    drop(in, 0x8000001f, 0x8000001f); // SEV
    if (!nesting)
        drop(in, 0x8000000a, 0x8000000a);
}

// One level of leaf 0xB or 0x1F.
kvm_cpuid_entry2 level(std::uint32_t function, std::uint32_t index, std::uint32_t type,
                       unsigned shift, unsigned threads, unsigned id) {
    kvm_cpuid_entry2 e = {};
    e.function = function;
    e.index = index;
    e.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
    e.eax = shift;
    e.ebx = threads;
    e.ecx = type << 8 | index;
    e.edx = id;
    return e;
}

void set_extended_topology(CpuidEntries& in, unsigned id, unsigned count, unsigned bits) {
    const std::uint32_t highest = find_leaf(in, 0) != nullptr ? find_leaf(in, 0)->eax : 0;
    for (const std::uint32_t function : {0xbu, 0x1fu}) {
        drop(in, function, function);
        if (highest < function)
            continue;
        in.push_back(level(function, 0, 1 /*thread*/, 0, 1, id));
        in.push_back(level(function, 1, 2 /*core*/, bits, count, id));
        in.push_back(level(function, 2, 0 /*none*/, 0, 0, id));
    }
}

// Cache leaves 4 (Intel) and 0x8000001D (AMD): the last level is shared by all, others by none.
void set_caches(CpuidEntries& in, std::uint32_t function, unsigned bits) {
    for (kvm_cpuid_entry2& e : in) {
        if (e.function != function || (e.eax & 0x1f) == 0)
            continue;
        const bool shared = (e.eax >> 5 & 7) >= 3;
        e.eax &= 0x3fff;
        if (shared)
            e.eax |= (bit(bits) - 1) << 14;
        if (function == 4)
            e.eax |= std::min(bit(bits) - 1, 63u) << 26;
    }
}

void set_amd_topology(CpuidEntries& in, unsigned id, unsigned count, unsigned bits) {
    if (auto* const e = find_leaf(in, 0x80000001); e != nullptr && count > 1)
        e->ecx |= bit(1); // CmpLegacy: several cores, no threads
    if (auto* const e = find_leaf(in, 0x80000008); e != nullptr)
        e->ecx = (e->ecx & ~0xf0ffu) | bits << 12 | std::min(count - 1, 255u);
    if (auto* const e = find_leaf(in, 0x8000001e); e != nullptr) {
        e->eax = id;
        e->ebx = id & 0xff; // core, one thread each
        e->ecx = 0;         // node
    }
    drop(in, 0x80000026, 0x80000026);
}

} // namespace

Result<CpuidEntries> host_cpuid(const Kvm& kvm, const Vm& vm, bool nested) {
    SEGUE_ASSIGN(auto entries, kvm.supported_cpuid());
    mask_features(entries, nested && vm.check(KVM_CAP_NESTED_STATE) > 0);
    keep_only_kvm_leaves(entries);
    if (auto* const e = find_leaf(entries, 1); e != nullptr) {
        e->ecx |= bit(31); // a guest looks for KVM's leaves only then; not in Linux 6.1's list
        // Not in each kernel's list, because it is true only with the in-kernel LAPIC.
        if (kvm.check(KVM_CAP_TSC_DEADLINE_TIMER) > 0)
            e->ecx |= bit(24);
    }
    return entries;
}

Result<CpuidEntries> chosen_cpuid(const Kvm& kvm, const Vm& vm, const CpuChoice& choice) {
    SEGUE_ASSIGN(CpuidEntries host, host_cpuid(kvm, vm, choice.nested));
    if (choice.name != "host")
        return baseline_cpuid(choice.name, host);
    if (choice.nested && !shows_nesting(host))
        return Error(Code::Refused,
                     "guest.nested: this host's KVM does not give a guest VMX or SVM, "
                     "or cannot carry its state")
            .way_out("leave guest.nested out; or load kvm_intel or kvm_amd with nested=1")
            .with("capability", "NESTED_STATE");
    return host;
}

bool shows_nesting(const CpuidEntries& cpu) {
    return has_feature(cpu, "vmx") || has_feature(cpu, "svm");
}

bool is_amd(const CpuidEntries& cpu) {
    const auto* const vendor = find_leaf(cpu, 0);
    return vendor != nullptr && vendor->ecx == 0x444d4163; // "cAMD"
}

// While L2 runs KVM holds pages that L1 has named in the VMCS by reference (Linux
// arch/x86/kvm/vmx/nested.c, nested_get_vmcs12_pages).
Status check_moving_pages(const CpuidEntries& cpu) {
    if (!shows_nesting(cpu) || is_amd(cpu))
        return {};
    return Error(Code::Refused, "the guest may run guests of its own (guest.nested) by VMX, and "
                                "KVM would go on using pages that RAM leaves")
        .way_out("use a mode that copies RAM, as precopy; or start the guest in shared memory "
                 "(memory.backend = \"memfd\")");
}

unsigned address_bits(const CpuidEntries& machine) {
    const auto* const e = find_leaf(machine, 0x80000008);
    return e == nullptr ? 36 : e->eax & 0xff;
}

CpuidEntries vcpu_cpuid(const CpuidEntries& machine, unsigned id, unsigned count) {
    CpuidEntries out = machine;
    const unsigned bits = static_cast<unsigned>(std::bit_width(count - 1));
    if (auto* const e = find_leaf(out, 1); e != nullptr) {
        e->ebx = (e->ebx & 0xffff) | std::min(bit(bits), 255u) << 16 | (id & 0xff) << 24;
        e->edx = count > 1 ? e->edx | bit(28) : e->edx & ~bit(28);
    }
    set_caches(out, 4, bits);
    set_caches(out, 0x8000001d, bits);
    set_extended_topology(out, id, count, bits);
    if (is_amd(out))
        set_amd_topology(out, id, count, bits);
    return out;
}

} // namespace segue::vmm
