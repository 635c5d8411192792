// SPDX-License-Identifier: Apache-2.0
// cpu_baselines.hpp - CPUs that unlike hosts show alike: the levels of the x86-64 psABI.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <segue/cpp/result.hpp>

#include "vmm/kvm/kvm.hpp"

namespace segue::vmm {

// A level's instructions, what a kernel needs, what KVM emulates; nothing else: no AES, no PMU, no
// controls of speculation. Family, model, name and caches are made up. Of the host are the vendor,
// whose kernel mode differs, and with it where XSAVE puts a component, which no VMM can change; and
// how many address bits there are, at most 40.
inline constexpr std::string_view kBaselines[] = {"x86-64-v1", "x86-64-v2", "x86-64-v3",
                                                  "x86-64-v4"};

// On a host that could show `host` (cpuid.hpp). REFUSED names what it lacks (detail "features") and
// the best baseline that it has; INVALID: there is none of that name.
Result<CpuidEntries> baseline_cpuid(std::string_view name, const CpuidEntries& host);

// What this host lacks of a baseline; empty: it can show it.
std::vector<std::string> lacking_of_baseline(std::string_view name, const CpuidEntries& host);
// "": none.
std::string_view best_baseline(const CpuidEntries& host);

} // namespace segue::vmm
