// SPDX-License-Identifier: Apache-2.0
// cpu_features.hpp - the bits of CPUID that say what a CPU can do, by name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vmm/kvm/kvm.hpp"

namespace segue::vmm {

// Names are those of Linux's /proc/cpuinfo where it has one: "avx2", "sse4_1", "pni".
bool has_feature(const CpuidEntries& cpu, std::string_view name);
// Adds its leaf where there is none. False: no feature has that name.
bool add_feature(CpuidEntries& cpu, std::string_view name);

// What `cpu` has and `host` has not, in the order of the leaves; a bit without a name is "bit 12 of
// leaf 0x7.0 EDX". Not what topology, XCR0 or CR4 say (HTT, OSXSAVE), nor AMD's copies of leaf 1.
std::vector<std::string> lacking_features(const CpuidEntries& cpu, const CpuidEntries& host);

} // namespace segue::vmm
