// SPDX-License-Identifier: Apache-2.0
// prealloc.hpp - a RAM block's memory, all of it, before the guest needs it.
#pragma once

#include <segue/cpp/result.hpp>

#include "core/inventory/inventory.hpp"

namespace segue::vmm {

// Takes a page for every page of a mapped block, by several threads; what is there stays as it is.
// Waits for as long as the host takes to clear them. [main]
Status preallocate(const inventory::RamBlock& block);

} // namespace segue::vmm
