// SPDX-License-Identifier: Apache-2.0
// floor_guest.hpp - the metronome in a machine of bare calls: the floor moves the same guest as the
// updates that it is compared with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <segue/cpp/result.hpp>

#include "core/observer/page.h"
#include "vmm/kvm/vcpu.hpp"
#include "vmm/kvm/vcpu_state.hpp"

namespace segue::bench {

// Guest-physical address of a vCPU's counter.
constexpr std::uint64_t counter_address(unsigned vcpu) {
    return SEGUE_PAGE_GPA + SEGUE_PAGE_SLOT_BYTES * (vcpu + 1) + SEGUE_SLOT_COUNTER;
}

// Loads the ELF beside this program into the RAM; gives its entry.
Result<std::uint32_t> place_guest(std::span<std::byte> ram, unsigned vcpus);

// The boot vCPU's first registers; the others wait for INIT and SIPI, as KVM made them.
void set_entry(vmm::VcpuState& state, std::uint32_t entry);

// Answers an exit as a machine does that has an idle 16550 and nothing else. False: the guest left
// for another reason.
bool answer_exit(vmm::Vcpu& vcpu);

} // namespace segue::bench
