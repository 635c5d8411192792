// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/cpu_fit.hpp"

#include <cstring>

#include "core/base/list.hpp"
#include "vmm/kvm/cpu_baselines.hpp"
#include "vmm/kvm/cpu_features.hpp"
#include "vmm/kvm/cpuid.hpp"
#include "vmm/kvm/cpuid_entries.hpp"

namespace segue::vmm {

namespace {

Error unfit(const std::string& what, const char* detail, const std::string& value) {
    return Error(Code::Refused, "the guest's CPU " + what)
        .way_out("move it to a host that has it; a guest that is to move between unlike hosts is "
                 "started with guest.cpu = \"" +
                 std::string(kBaselines[1]) + "\" or the like: see segue doctor on each")
        .with(detail, value);
}

std::string vendor_of(const CpuidEntries& cpu) {
    const auto* const e = find_leaf(cpu, 0);
    if (e == nullptr)
        return "";
    const std::uint32_t text[] = {e->ebx, e->edx, e->ecx};
    return std::string(reinterpret_cast<const char*>(text), sizeof text);
}

// Leaf 0xA EAX: version, counters, their width.
bool counts_as_well(const CpuidEntries& shown, const CpuidEntries& host) {
    const auto *const there = find_leaf(shown, 0xa), *const here = find_leaf(host, 0xa);
    const std::uint32_t want = there != nullptr ? there->eax : 0;
    const std::uint32_t have = here != nullptr ? here->eax : 0;
    for (const unsigned shift : {0u, 8u, 16u})
        if ((want >> shift & 0xff) > (have >> shift & 0xff))
            return false;
    return true;
}

// The number of the first component that lies elsewhere; 0: none.
std::uint32_t moved_component(const CpuidEntries& shown, const CpuidEntries& host) {
    for (const kvm_cpuid_entry2& e : shown) {
        if (e.function != 0xd || e.index < 2 || e.eax == 0)
            continue;
        const auto* const here = find_leaf(host, 0xd, e.index);
        if (here == nullptr || here->eax != e.eax || here->ebx != e.ebx)
            return e.index;
    }
    return 0;
}

} // namespace

Status fits_host(const CpuidEntries& shown, const CpuidEntries& host) {
    const std::string vendor = vendor_of(shown), vendor_here = vendor_of(host);
    if (vendor != vendor_here)
        return unfit("is " + vendor + "'s, this host's " + vendor_here + "'s", "vendor", vendor);
    if (const auto lacking = lacking_features(shown, host); !lacking.empty())
        return unfit("has " + list_of(lacking) + ", which this host's, or its KVM, has not",
                     "features", list_of(lacking));
    if (address_bits(shown) > address_bits(host))
        return unfit("has " + std::to_string(address_bits(shown)) + " address bits, this host's " +
                         std::to_string(address_bits(host)),
                     "address_bits", std::to_string(address_bits(shown)));
    if (!counts_as_well(shown, host))
        return unfit("has more performance counters than this host's", "features", "pmu");
    if (const std::uint32_t number = moved_component(shown, host); number != 0)
        return unfit("saves component " + std::to_string(number) +
                         " of XSAVE at another place than this host's",
                     "xsave_component", std::to_string(number));
    return {};
}

} // namespace segue::vmm
