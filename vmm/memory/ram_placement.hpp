// SPDX-License-Identifier: Apache-2.0
// ram_placement.hpp - where this host keeps the guest's RAM: on which NUMA nodes, and locked.
#pragma once

#include <utility>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/config/guest_config.hpp"
#include "core/inventory/inventory.hpp"

namespace segue::vmm {

// Each generation places by its own configuration. A lock is of the process's mapping. A policy is
// of the memory file, which generations share (mbind(2); shmem and hugetlbfs): the old one's is
// changed only once the guest is here.
class RamPlacement {
public:
    explicit RamPlacement(std::vector<config::MemoryConfig> wanted = {})
        : wanted_(std::move(wanted)) {}

    // Whether this host and this process can, on address space as large. [main]
    Status check() const;
    // Mapped blocks, before their first page is touched: locks them, places those that are new, and
    // proves that apply() will be able to place the others. [main, update]
    Status prepare(const inventory::Inventory& inventory);
    // The others; what it could not do. [main, update]
    std::vector<Error> apply() const;
    // First boot, after apply(): takes the memory of the blocks that ask for it. [main]
    Status preallocate(const inventory::Inventory& inventory) const;

private:
    struct Pending {
        const inventory::RamBlock* block;
        config::NumaConfig numa;
    };
    const config::MemoryConfig* find(const std::string& id) const;

    std::vector<config::MemoryConfig> wanted_;
    std::vector<Pending> pending_;
};

} // namespace segue::vmm
