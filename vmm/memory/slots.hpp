// SPDX-License-Identifier: Apache-2.0
// slots.hpp - makes the inventory's RAM blocks the guest's memory.
#pragma once

#include <segue/cpp/result.hpp>

#include "core/inventory/inventory.hpp"
#include "vmm/kvm/vm.hpp"
#include "vmm/memory/guest_ram.hpp"

namespace segue::vmm {

// Where the blocks of `inventory` lie for the guest, and here. [main]
Result<GuestRam> guest_ram(const inventory::Inventory& inventory);

// One KVM slot a region, slot number = index of the region. Guest RAM stays out of core dumps.
Status map_slots(Vm& vm, const GuestRam& ram);
// The same slots, with KVM's log of writes or without; on an error some may have it. Guest running
// or not.
Status log_slots(Vm& vm, const GuestRam& ram, bool on);

// Of the file `fd`: tmpfs, hugetlbfs, a memfd; not a disk.
bool lives_in_memory(int fd);

// Makes this process's page tables for what exists in the blocks' files, so that a first touch
// costs nothing in a pause. A hole stays a hole; a block on a disk file is only read ahead. What
// cannot be populated is touched page by page as the guest runs.
void populate(const inventory::Inventory& inventory);

} // namespace segue::vmm
