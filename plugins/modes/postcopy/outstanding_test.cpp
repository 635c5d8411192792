// SPDX-License-Identifier: Apache-2.0
// Pages that are to be sent after the guest has gone: each once, those that it waits for first.
#include "outstanding.hpp"

#include <gtest/gtest.h>

namespace postcopy {
namespace {

segue_block block(std::uint64_t pages, std::uint32_t shift = 12) {
    segue_block b = {};
    b.size = sizeof b;
    b.page_shift = shift;
    b.bytes = pages * 4096;
    return b;
}

bool operator==(const segue_pages& a, const segue_pages& b) {
    return a.block == b.block && a.first == b.first && a.n == b.n;
}

TEST(Outstanding, GivesEachPageOnceInTheirOrder) {
    Outstanding o({block(200), block(70)});
    o.add(0, 64, std::vector<std::uint64_t>{0xf0, 0x1});
    o.add(1, 0, std::vector<std::uint64_t>{0, 0x3f});
    EXPECT_EQ(o.left(), 4u + 1 + 6);
    EXPECT_TRUE(o.next(3) == (segue_pages{0, 0, 68, 3}));
    EXPECT_TRUE(o.next(3) == (segue_pages{0, 0, 71, 1}));
    EXPECT_TRUE(o.next(100) == (segue_pages{0, 0, 128, 1}));
    EXPECT_TRUE(o.next(100) == (segue_pages{1, 0, 64, 6}));
    EXPECT_EQ(o.next(100).n, 0u);
    EXPECT_EQ(o.left(), 0u);
}

TEST(Outstanding, GoesOnBehindWhatWasAskedFor) {
    Outstanding o({block(256)});
    o.add(0, 0, std::vector<std::uint64_t>{~0ull, ~0ull, ~0ull, ~0ull});
    EXPECT_EQ(o.next(10).first, 0u);
    const auto asked = o.take({0, 0, 200, 1});
    ASSERT_EQ(asked.size(), 1u);
    EXPECT_EQ(o.next(10).first, 201u);
    EXPECT_EQ(o.next(1000).first, 211u);
    EXPECT_EQ(o.next(1000).first, 10u) << "what was skipped comes in the end";
    EXPECT_TRUE(o.take({0, 0, 200, 1}).empty()) << "it was sent";
    EXPECT_EQ(o.left(), 0u);
}

TEST(Outstanding, WhatNoBlockHasIsNotSent) {
    Outstanding o({block(64)});
    o.add(0, 0, std::vector<std::uint64_t>{~0ull});
    EXPECT_TRUE(o.take({1, 0, 0, 1}).empty());
    EXPECT_TRUE(o.take({0, 0, 64, 1}).empty());
    EXPECT_EQ(o.left(), 64u);
    const auto cut = o.take({0, 0, 60, ~0ull});
    ASSERT_EQ(cut.size(), 1u);
    EXPECT_EQ(cut[0].n, 4u);
}

// Else each one asked for would leave a page over there of which not all has come.
TEST(Outstanding, AHugePageThatIsBegunComesFirst) {
    Outstanding o({block(2048, 21)});
    o.add(0, 0, std::vector<std::uint64_t>(2048 / 64, ~0ull));
    EXPECT_TRUE(o.next(64) == (segue_pages{0, 0, 0, 64}));
    ASSERT_EQ(o.take({0, 0, 1024, 512}).size(), 1u);
    for (std::uint64_t at = 64; at < 512; at += 64)
        EXPECT_TRUE(o.next(64) == (segue_pages{0, 0, at, 64})) << at;
    EXPECT_TRUE(o.next(64) == (segue_pages{0, 0, 1536, 64})) << "behind what was asked for";
    ASSERT_EQ(o.take({0, 0, 1536, 512}).size(), 1u);
    EXPECT_TRUE(o.next(64) == (segue_pages{0, 0, 512, 64})) << "of the page in hand none is left";
}

TEST(Outstanding, AHugePageIsOutstandingAsAWhole) {
    Outstanding o({block(1024, 21), block(64)});
    o.add(0, 512, std::vector<std::uint64_t>{0x10});
    o.add(1, 0, std::vector<std::uint64_t>{0x10});
    o.round_up();
    EXPECT_EQ(o.left(), 513u);
    EXPECT_TRUE(o.next(4096) == (segue_pages{0, 0, 512, 512}));
    EXPECT_TRUE(o.next(4096) == (segue_pages{1, 0, 4, 1}));
}

} // namespace
} // namespace postcopy
