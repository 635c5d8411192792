// SPDX-License-Identifier: Apache-2.0
// msr_owners.hpp - which MSRs go with a feature of the CPU.
#pragma once

#include <cstdint>

#include "vmm/kvm/kvm.hpp"

namespace segue::vmm {

// Whether a guest that is shown `cpu` may have put something into the MSR. KVM lets the VMM read
// those of features that the guest does not see, too; with the host's values or none, they would
// keep a guest from moving to a host without the feature.
bool msr_is_shown(const CpuidEntries& cpu, std::uint32_t index);

} // namespace segue::vmm
