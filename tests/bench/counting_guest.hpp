// SPDX-License-Identifier: Apache-2.0
// counting_guest.hpp - the smallest guest that shows life: long mode, CPL 3, one counter a vCPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "vmm/kvm/vcpu_state.hpp"

namespace segue::bench {

// Guest-physical address of a vCPU's counter; each has a cache line of its own.
constexpr std::uint64_t counter_address(unsigned vcpu) {
    return 0x5000 + 64 * vcpu;
}

// Writes page tables and code into the first 2 MiB.
void place_guest(std::span<std::byte> ram);

// The registers with which vCPU `vcpu` begins to count. The count lives in RAX: a vCPU that went on
// from wrong registers would show a counter that falls.
void set_entry(vmm::VcpuState& state, unsigned vcpu);

} // namespace segue::bench
