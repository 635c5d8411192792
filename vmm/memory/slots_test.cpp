// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/slots.hpp"

#include <gtest/gtest.h>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {
namespace {

constexpr std::uint64_t kBytes = 8 << 20;

inventory::Inventory one_block() {
    inventory::RamBlock block;
    block.id = "ram0";
    block.fd = sys::memfd("slots_test", 0).value();
    EXPECT_TRUE(sys::truncate(block.fd.get(), kBytes).ok());
    block.bytes = kBytes;
    block.map = Mapping::make(kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, block.fd.get(), 0, "ram0")
                    .value();
    inventory::Inventory inventory;
    EXPECT_TRUE(inventory.add(std::move(block)).ok());
    return inventory;
}

std::size_t mapped_pages(const inventory::RamBlock& block) {
    std::vector<std::uint64_t> entries(kBytes / 4096);
    const auto map = sys::open("/proc/self/pagemap", O_RDONLY).value();
    EXPECT_TRUE(sys::pread_all(map.get(), std::as_writable_bytes(std::span(entries)),
                               reinterpret_cast<std::uintptr_t>(block.base()) / 4096 * 8)
                    .ok());
    std::size_t present = 0;
    for (const std::uint64_t e : entries)
        present += e >> 63;
    return present;
}

TEST(Slots, PopulateMapsWhatExistsAndKeepsHoles) {
    const auto inventory = one_block();
    const auto& block = inventory.blocks()[0];
    const std::vector<std::byte> data(16 * 4096, std::byte{1});
    ASSERT_TRUE(sys::pwrite_all(block.fd.get(), data, 0).ok());
    ASSERT_TRUE(sys::pwrite_all(block.fd.get(), data, 4 << 20).ok());
    const auto blocks_before = sys::stat(block.fd.get())->st_blocks;
    EXPECT_EQ(mapped_pages(block), 0u);
    populate(inventory);
    EXPECT_EQ(mapped_pages(block), 32u);
    EXPECT_EQ(sys::stat(block.fd.get())->st_blocks, blocks_before);
}

TEST(Slots, GuestRamFindsAddressesInOneRegionOnly) {
    const auto inventory = one_block();
    const auto ram = guest_ram(inventory).value();
    EXPECT_EQ(ram.at(4096, 8)->data(), inventory.blocks()[0].base() + 4096);
    EXPECT_TRUE(ram.at(kBytes - 8, 8).ok());
    EXPECT_EQ(ram.at(kBytes - 8, 9).code(), Code::Invalid);
    EXPECT_EQ(ram.at(kBytes, 1).code(), Code::Invalid);
    EXPECT_EQ(ram.at(4096, ~0ull - 100).code(), Code::Invalid);
}

} // namespace
} // namespace segue::vmm
