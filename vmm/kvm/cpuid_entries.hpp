// SPDX-License-Identifier: Apache-2.0
// cpuid_entries.hpp - a leaf in a list of CPUID's answers.
#pragma once

#include <algorithm>

#include "vmm/kvm/kvm.hpp"

namespace segue::vmm {

// nullptr: not there, which a guest reads as zeros. `in`: CpuidEntries, const or not.
template <class Entries>
auto find_leaf(Entries& in, std::uint32_t function, std::uint32_t index = 0) -> decltype(&in[0]) {
    const auto it = std::find_if(in.begin(), in.end(), [&](const kvm_cpuid_entry2& e) {
        return e.function == function && e.index == index;
    });
    return it == in.end() ? nullptr : &*it;
}

// Added, all zeros, where it is not there.
inline kvm_cpuid_entry2& leaf_of(CpuidEntries& in, std::uint32_t function,
                                 std::uint32_t index = 0) {
    if (auto* const there = find_leaf(in, function, index))
        return *there;
    kvm_cpuid_entry2 e = {};
    e.function = function;
    e.index = index;
    return in.emplace_back(e);
}

} // namespace segue::vmm
