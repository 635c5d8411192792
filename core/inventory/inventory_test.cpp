// SPDX-License-Identifier: Apache-2.0
#include "core/inventory/manifest.hpp"

#include <cstring>

#include <gtest/gtest.h>
#include <segue/abi/mode.h>
#include <segue/cpp/sys.hpp>

namespace segue::inventory {
namespace {

constexpr std::size_t kPage = 4096;

RamBlock sealed_block(const std::string& id) {
    RamBlock b;
    b.id = id;
    b.backend = "memfd";
    b.bytes = 1 << 20;
    b.fd = sys::memfd(id, MFD_ALLOW_SEALING).value();
    EXPECT_TRUE(sys::truncate(b.fd.get(), b.bytes));
    EXPECT_TRUE(sys::seal(b.fd.get(), F_SEAL_SHRINK | F_SEAL_GROW));
    return b;
}

Facts facts_of(const Inventory& inventory) {
    auto facts = describe(
        inventory, std::vector<std::uint32_t>(inventory.blocks().size(), SEGUE_RAM_IN_PLACE));
    EXPECT_TRUE(facts);
    state::Writer out{state::Header{}};
    write(*facts, out);
    const auto bytes = out.finish();
    auto in = state::Reader::parse(bytes);
    EXPECT_TRUE(in) << in.error().what();
    auto back = read(*in);
    EXPECT_TRUE(back);
    EXPECT_TRUE(in->all_taken());
    return *back;
}

TEST(Inventory, NamesAreUnique) {
    Inventory inventory;
    EXPECT_TRUE(inventory.add(Item{"control", sys::event().value()}));
    EXPECT_EQ(inventory.add(Item{"control", sys::event().value()}).code(), Code::Exists);
    EXPECT_EQ(inventory.add(Item{"", sys::event().value()}).code(), Code::Invalid);
    EXPECT_GE(inventory.find("control"), 0);
    EXPECT_TRUE(inventory.take("control"));
    EXPECT_EQ(inventory.find("control"), -1);
}

TEST(Inventory, WhatIsDroppedReadsAsZeros) {
    for (const int flags : {MAP_SHARED, MAP_PRIVATE | MAP_ANONYMOUS})
        for (const bool locked : {false, true}) {
            RamBlock b = sealed_block("ram0");
            b.map_flags = static_cast<std::uint32_t>(flags);
            if (flags != MAP_SHARED)
                b.fd.reset();
            b.map =
                Mapping::make(b.bytes, PROT_READ | PROT_WRITE, flags, b.fd.get(), 0, "").value();
            std::memset(b.base(), 1, 4 * kPage);
            if (locked) {
                // mlock(2) does nothing under ASan.
                ASSERT_EQ(::mlock2(b.base(), 4 * kPage, MLOCK_ONFAULT), 0);
            }
            const Status s = b.drop(kPage, 2 * kPage);
            ASSERT_TRUE(s) << s.error().what();
            for (const std::size_t page : {0, 1, 2, 3})
                EXPECT_EQ(b.base()[page * kPage], std::byte(page == 0 || page == 3 ? 1 : 0))
                    << page;
        }
}

// As page-flip leaves a block that it has begun with.
TEST(Inventory, TheFrontOfAPrivateBlockMayBeOfAFile) {
    RamBlock b = sealed_block("ram0");
    const UniqueFd file = std::move(b.fd);
    b.map_flags = MAP_PRIVATE | MAP_ANONYMOUS;
    b.map = Mapping::make(b.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, "")
                .value();
    ASSERT_EQ(
        ::mmap(b.base(), 4 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file.get(), 0),
        b.base());
    std::memset(b.base(), 1, 8 * kPage);
    const Status s = b.drop(kPage, 6 * kPage);
    ASSERT_TRUE(s) << s.error().what();
    EXPECT_EQ(static_cast<std::size_t>(sys::stat(file.get())->st_blocks) * 512, kPage);
    for (std::size_t page = 0; page < 8; ++page)
        EXPECT_EQ(b.base()[page * kPage], std::byte(page == 0 || page == 7 ? 1 : 0)) << page;
}

TEST(Inventory, WhatWasAnnouncedIsWhatIsAccepted) {
    Inventory inventory;
    ASSERT_TRUE(inventory.add(Item{"a", sys::memfd("a", 0).value()}));
    ASSERT_TRUE(inventory.add(sealed_block("ram0")));
    const Facts facts = facts_of(inventory);
    ASSERT_EQ(facts.items.size(), 1u);
    ASSERT_EQ(facts.blocks.size(), 1u);
    EXPECT_EQ(facts.blocks[0].ram, SEGUE_RAM_IN_PLACE);
    EXPECT_TRUE(check(facts.items[0], inventory.items()[0].fd.get()));
    EXPECT_TRUE(check(facts.blocks[0], inventory.blocks()[0].fd.get()));
}

TEST(Inventory, AnotherFileIsRefusedByName) {
    Inventory inventory;
    ASSERT_TRUE(inventory.add(Item{"console.in", sys::memfd("a", 0).value()}));
    ASSERT_TRUE(inventory.add(sealed_block("ram0")));
    const Facts facts = facts_of(inventory);
    const Status item = check(facts.items[0], sys::memfd("b", 0).value().get());
    ASSERT_EQ(item.code(), Code::Refused);
    EXPECT_EQ(item.error().detail("item"), "console.in");
    EXPECT_EQ(check(facts.blocks[0], sealed_block("ram0").fd.get()).error().detail("block"),
              "ram0");
}

TEST(Inventory, RamThatCouldShrinkIsRefused) {
    Inventory inventory;
    ASSERT_TRUE(inventory.add(sealed_block("ram0")));
    Facts facts = facts_of(inventory);
    facts.blocks[0].seals |= F_SEAL_SEAL;
    const Status s = check(facts.blocks[0], inventory.blocks()[0].fd.get());
    ASSERT_FALSE(s);
    EXPECT_NE(s.error().what().find("seals"), std::string::npos);
}

} // namespace
} // namespace segue::inventory
