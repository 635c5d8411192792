// SPDX-License-Identifier: Apache-2.0
// disk.hpp - the file or block device behind a virtual disk.
#pragma once

#include <cstdint>
#include <string>

#include <segue/cpp/result.hpp>

#include "core/inventory/inventory.hpp"

namespace segue::vmm {

struct DiskConfig {
    std::string id;
    std::string path;
    bool read_only = false;
};

// Which file it is, and whether somebody has written to it.
struct DiskIdentity {
    std::uint64_t inode = 0;
    std::uint64_t bytes = 0;
    std::int64_t changed_ns = 0; // since 1970; 0 of a block device
    bool operator==(const DiskIdentity&) const = default;
};

// The descriptor belongs to the inventory, as "disk.ID": with it the lock goes on to the next
// generation, because a lock of F_OFD_SETLK belongs to the open file. -1: as a probe has it.
struct Disk {
    DiskConfig config;
    int fd = -1;
    std::uint64_t bytes = 0;
    std::uint32_t block_bytes = 512; // that the host likes
    bool reopened = false;           // by path, in a process that was handed nothing
};

// Opens and locks it, into the inventory: exclusively where it may be written, shared where not.
// REFUSED where another process has it. [main]
Status open_disk(const DiskConfig& config, inventory::Inventory& inventory);
// The same without the lock, for a guest whose VMM on another host has it yet. [main]
Status join_disk(const DiskConfig& config, inventory::Inventory& inventory);
// Begins to write what was written to the disk. [update]
Status write_out(const DiskConfig& config, const inventory::Inventory& inventory);
// What was written is on the disk, and the lock is given up. [update]
Status let_go(const DiskConfig& config, const inventory::Inventory& inventory);
// Takes the lock, for which whoever gives it up has a moment, and what the other host has written.
// REFUSED where another process has it. [update, main]
Status take_hold(const DiskConfig& config, const inventory::Inventory& inventory);
// REFUSED where nobody has the lock: it is not the disk that the guest has on the other host.
// Locks of a block device are not seen from there. [main]
Status check_held(const DiskConfig& config, const inventory::Inventory& inventory);
// From the inventory. [main]
Result<Disk> adopt_disk(const DiskConfig& config, const inventory::Inventory& inventory);

Result<DiskIdentity> identity_of(const Disk& disk);

} // namespace segue::vmm
