// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/layout.hpp"

#include <gtest/gtest.h>

namespace segue::vmm {
namespace {

constexpr std::uint64_t MiB = 1 << 20;
constexpr std::uint64_t GiB = 1 << 30;

std::vector<RamRegion> must(std::vector<std::uint64_t> bytes) {
    auto layout = lay_out(bytes);
    EXPECT_TRUE(layout.ok());
    return layout ? std::move(layout).value() : std::vector<RamRegion>();
}

TEST(Layout, SmallGuestIsOneRegion) {
    const auto l = must({512 * MiB});
    ASSERT_EQ(l.size(), 1u);
    EXPECT_EQ(l[0].guest, 0u);
    EXPECT_EQ(l[0].bytes, 512 * MiB);
}

TEST(Layout, BlocksFollowOneAnotherAndGoOnAbove4GiB) {
    const auto l = must({2 * GiB, 2 * GiB, GiB});
    ASSERT_EQ(l.size(), 4u);
    EXPECT_EQ(l[1].guest, 2 * GiB);
    EXPECT_EQ(l[1].bytes, GiB);
    EXPECT_EQ(l[2].guest, 4 * GiB); // the rest of block 1
    EXPECT_EQ(l[2].block, 1u);
    EXPECT_EQ(l[2].offset, GiB);
    EXPECT_EQ(l[3].guest, 5 * GiB);
    EXPECT_EQ(l[3].block, 2u);
}

TEST(Layout, BlockThatEndsAtTheHoleIsNotSplit) {
    const auto l = must({3 * GiB, GiB});
    ASSERT_EQ(l.size(), 2u);
    EXPECT_EQ(l[1].guest, 4 * GiB);
    EXPECT_EQ(l[1].offset, 0u);
}

TEST(Layout, RefusesOddEmptyAndHugeBlocks) {
    for (const std::vector<std::uint64_t>& bytes : {std::vector<std::uint64_t>{},
                                                    {0},
                                                    {4 * MiB + 1},
                                                    {MiB},
                                                    {1ull << 60},
                                                    {4 * MiB, ~0ull << 12}})
        EXPECT_EQ(lay_out(bytes).code(), Code::Invalid);
}

TEST(Layout, MemoryMapLeavesVideoAndDeviceHolesOut) {
    const auto map = memory_map(must({4 * GiB, GiB}));
    ASSERT_EQ(map.size(), 5u);
    EXPECT_EQ(map[0].bytes, 0xa0000u);
    EXPECT_FALSE(map[1].ram);
    EXPECT_EQ(map[1].guest + map[1].bytes, MiB);
    EXPECT_EQ(map[2].guest, MiB);
    EXPECT_EQ(map[2].guest + map[2].bytes, 3 * GiB);
    EXPECT_EQ(map[3].guest, kEcam);
    EXPECT_FALSE(map[3].ram);
    EXPECT_EQ(map[4].guest, 4 * GiB);
    EXPECT_EQ(map[4].bytes, 2 * GiB);
}

TEST(Layout, MemoryMapOfASmallGuestReservesTheConfigurationSpaceToo) {
    const auto map = memory_map(must({512 * MiB}));
    ASSERT_EQ(map.size(), 4u);
    EXPECT_EQ(map[3].guest, kEcam);
    EXPECT_EQ(map[3].bytes, kEcamBytes);
    EXPECT_FALSE(map[3].ram);
}

TEST(Layout, TheHighWindowNeedsAddressBitsAndNoRamInIt) {
    EXPECT_TRUE(has_high_window(must({512 * MiB}), 40));
    EXPECT_FALSE(has_high_window(must({512 * MiB}), 39));
    EXPECT_TRUE(has_high_window(must({507 * GiB}), 46));
    EXPECT_TRUE(has_high_window(must({511 * GiB}), 46)); // ends where it begins
    EXPECT_FALSE(has_high_window(must({511 * GiB, 2 * MiB}), 46));
    EXPECT_TRUE(has_high_window({}, 48));
    EXPECT_FALSE(has_high_window({}, 64)); // no processor has them
}

TEST(Layout, RamBeyondTheProcessorsAddressBitsIsRefused) {
    EXPECT_TRUE(check_reach(must({1023 * GiB}), 40)); // ends where they do
    const Status s = check_reach(must({1023 * GiB, 2 * MiB}), 40);
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_NE(s.error().what().find("40 address bits"), std::string::npos) << s.error().what();
    EXPECT_FALSE(s.error().way_out().empty());
    EXPECT_TRUE(check_reach(must({1024 * GiB}), 46));
}

} // namespace
} // namespace segue::vmm
