// SPDX-License-Identifier: Apache-2.0
// vm_state.hpp - what KVM holds of the VM as a whole: interrupt chips, timer, clock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vmm/kvm/capabilities.hpp"
#include "vmm/kvm/uapi.hpp"

namespace segue::vmm {

// Plain data; vm_io.hpp reads and writes it, codec.hpp carries it.
struct VmState {
    kvm_pit_state2 pit = {};
    kvm_irqchip ioapic = {};
    kvm_irqchip pic_master = {};
    kvm_irqchip pic_slave = {};
    kvm_clock_data clock = {};
    // When `clock` was read, for the time that passed since.
    std::int64_t boottime_ns = 0;
    std::int64_t realtime_ns = 0;
    std::string boot_id; // TSC offsets and CLOCK_BOOTTIME hold within one boot of the host
    std::vector<Capability> capabilities; // enabled on the VM; equal on the other side
};

} // namespace segue::vmm
