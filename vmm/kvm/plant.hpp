// SPDX-License-Identifier: Apache-2.0
// plant.hpp - a KvmState in which every field that KVM lets a VMM set differs from a fresh vCPU's.
#pragma once

#include "vmm/kvm/bare_machine.hpp"
#include "vmm/kvm/state_parts.hpp"

namespace segue::vmm {

// Tests only. Some fields exclude each other (an exception is injected or pending), so there are
// two ways to go through them.
enum class Way { Forward, Backward };

// Values are found by asking KVM: each part is changed bit by bit until the VM holds it and all
// that was planted before. `scratch` is left in some state.
Result<KvmState> plant(BareMachine& scratch, const KvmState& fresh, std::uint64_t xcr0, Way way);

} // namespace segue::vmm
