// SPDX-License-Identifier: Apache-2.0
// layout.hpp - where the blocks of guest RAM lie in guest-physical space.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::vmm {

inline constexpr std::uint64_t kLowRamEnd = 3ull << 30;    // below it RAM, above it devices
inline constexpr std::uint64_t kHighRamStart = 4ull << 30; // RAM goes on here
inline constexpr std::uint64_t kVideoHole = 0xa0000;       // RAM to KVM, reserved to the guest
inline constexpr std::uint64_t kVideoHoleEnd = 0x100000;
inline constexpr std::uint64_t kAcpiArea = 0xe0000; // of the hole: RSDP and tables, to its end
// The device hole: BARs of 32 bits, then the configuration space of PCI bus 0.
inline constexpr std::uint64_t kPciWindow = 0xc0000000;
inline constexpr std::uint64_t kPciWindowEnd = 0xe0000000;
inline constexpr std::uint64_t kEcam = 0xe0000000;
inline constexpr std::uint64_t kEcamBytes = 1 << 20;
// BARs of 64 bits, where has_high_window() says so.
inline constexpr std::uint64_t kPciHighWindow = 1ull << 39;
inline constexpr std::uint64_t kPciHighWindowBytes = 64ull << 30;
// Three pages for KVM's real-mode task state and one identity map (Intel), in the device hole.
inline constexpr std::uint32_t kTssAddr = 0xfffbd000;
inline constexpr std::uint64_t kIdentityMapAddr = 0xfffbc000;

// One run of guest-physical addresses backed by one run of one block.
struct RamRegion {
    std::uint64_t guest = 0; // guest-physical address
    std::uint64_t bytes = 0;
    std::size_t block = 0;    // index in the inventory
    std::uint64_t offset = 0; // of the region in the block
};

// What the guest is told: one entry of the boot memory map.
struct MemoryMapEntry {
    std::uint64_t guest = 0;
    std::uint64_t bytes = 0;
    bool ram = true; // else reserved
};

// Blocks one after another from address 0; whatever passes 3 GiB goes on at 4 GiB. A block that
// straddles the hole makes two regions. `bytes` are the blocks' sizes.
Result<std::vector<RamRegion>> lay_out(std::span<const std::uint64_t> bytes);

std::vector<MemoryMapEntry> memory_map(std::span<const RamRegion> regions);

// REFUSED where the guest's processors do not reach all of the RAM (CPUID leaf 0x80000008).
Status check_reach(std::span<const RamRegion> regions, unsigned address_bits);

// The guest's processors reach the window (CPUID leaf 0x80000008), and no RAM lies in it.
bool has_high_window(std::span<const RamRegion> regions, unsigned address_bits);

} // namespace segue::vmm
