// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/msr_owners.hpp"

#include <algorithm>
#include <string_view>

#include "vmm/kvm/cpu_features.hpp"
#include "vmm/kvm/cpuid_entries.hpp"

namespace segue::vmm {

namespace {

struct Owner {
    std::uint32_t first, last;
    std::string_view features; // any of them
};

// Intel SDM volume 4; AMD APM volume 2, appendix A.
constexpr Owner kOwners[] = {
    {0x48, 0x48, "spec_ctrl amd_ibrs amd_stibp amd_ssbd"}, // SPEC_CTRL
    {0xe1, 0xe1, "waitpkg"},                               // UMWAIT_CONTROL
    {0x10a, 0x10a, "arch_capabilities"},                   //
    {0x122, 0x122, "arch_capabilities"},                   // TSX_CTRL, which that one announces
    {0x1c4, 0x1c5, "xfd"},                                 //
    {0x345, 0x345, "pdcm"},                                // PERF_CAPABILITIES
    {0x480, 0x491, "vmx"},                                 //
    {0x560, 0x58b, "intel_pt"},                            //
    {0x600, 0x600, "dts"},                                 // DS_AREA
    {0x6a0, 0x6a8, "shstk ibt"},                           // CET
    {0xd90, 0xd90, "mpx"},                                 // BNDCFGS
    {0xda0, 0xda0, "xsaves"},                              // XSS
    {0x40000000, 0x400001ff, ""},                          // Hyper-V's: shown to no guest
    {0xc0000103, 0xc0000103, "rdtscp rdpid"},              // TSC_AUX
    {0xc0000104, 0xc0000104, "tsc_scale"},                 // TSC_RATIO
    {0xc0010117, 0xc0010117, "svm"},                       // VM_HSAVE_PA
    {0xc001011f, 0xc001011f, "virt_ssbd"},                 //
    {0xc0010200, 0xc001020b, "perfctr_core"},              //
};

// Intel's performance counters: PMC, PERFEVTSEL, fixed ones, global control, PEBS.
constexpr Owner kCounters[] = {
    {0xc1, 0xc8, ""},   {0x186, 0x18d, ""}, {0x309, 0x30c, ""},
    {0x38d, 0x390, ""}, {0x3f1, 0x3f2, ""}, {0x4c1, 0x4c8, ""},
};

bool any_of(const CpuidEntries& cpu, std::string_view names) {
    while (!names.empty()) {
        const auto end = std::min(names.find(' '), names.size());
        if (has_feature(cpu, names.substr(0, end)))
            return true;
        names.remove_prefix(std::min(end + 1, names.size()));
    }
    return false;
}

} // namespace

bool msr_is_shown(const CpuidEntries& cpu, std::uint32_t index) {
    const auto covers = [index](const Owner& o) { return o.first <= index && index <= o.last; };
    const auto* const owner = std::find_if(std::begin(kOwners), std::end(kOwners), covers);
    if (owner != std::end(kOwners))
        return any_of(cpu, owner->features);
    if (std::none_of(std::begin(kCounters), std::end(kCounters), covers))
        return true;
    const auto* const monitoring = find_leaf(cpu, 0xa);
    return monitoring != nullptr && (monitoring->eax & 0xff) != 0;
}

} // namespace segue::vmm
