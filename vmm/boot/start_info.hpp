// SPDX-License-Identifier: Apache-2.0
// start_info.hpp - what the PVH protocol leaves in guest RAM for the kernel.
#pragma once

#include <cstdint>

#include "vmm/boot/image.hpp"

namespace segue::vmm {

// struct hvm_start_info, version 1.
struct StartInfo {
    std::uint32_t magic = 0x336ec578; // "xEn3" with bit 7 of the E set
    std::uint32_t version = 1;
    std::uint32_t flags = 0;
    std::uint32_t modules = 0;
    std::uint64_t module_list = 0;
    std::uint64_t command_line = 0;
    std::uint64_t rsdp = 0;
    std::uint64_t memory_map = 0;
    std::uint32_t memory_map_entries = 0;
    std::uint32_t reserved = 0;
};
static_assert(sizeof(StartInfo) == 56);

// struct hvm_modlist_entry.
struct StartInfoModule {
    std::uint64_t guest = 0;
    std::uint64_t bytes = 0;
    std::uint64_t command_line = 0;
    std::uint64_t reserved = 0;
};
static_assert(sizeof(StartInfoModule) == 32);

// struct hvm_memmap_table_entry; types as in E820.
struct StartInfoMemory {
    std::uint64_t guest = 0;
    std::uint64_t bytes = 0;
    std::uint32_t type = 1; // 1 RAM, 2 reserved
    std::uint32_t reserved = 0;
};
static_assert(sizeof(StartInfoMemory) == 24);

// At kStartInfo, kModule, kBootMap and kCommandLine (pvh.hpp); the map fits.
Status write_start_info(const BootInfo& boot, const GuestRam& ram);

} // namespace segue::vmm
