// SPDX-License-Identifier: Apache-2.0
#include "core/inventory/stamp.hpp"

#include <functional>

#include <gtest/gtest.h>
#include <segue/cpp/sys.hpp>

#include "tests/support/huge_pages.hpp"

namespace segue::inventory {
namespace {

constexpr std::uint64_t size = 1 << 20;

class StampedBlock : public testing::Test {
protected:
    StampedBlock() {
        block_.id = "ram0";
        block_.backend = "file";
        block_.bytes = size;
        block_.stamp = size;
        block_.fd = sys::memfd("ram0", 0).value();
        EXPECT_TRUE(sys::truncate(block_.fd.get(), size + 4096));
        put(std::uint64_t{5} * 4096, 0x5a);
        stamp_.guest[0] = 9;
        stamp_.generation = 3;
        stamp_.attempt = 7;
        stamp_.nonce[15] = std::byte{1};
        EXPECT_TRUE(write_stamp(block_, stamp_));
    }
    void put(std::uint64_t at, int value) {
        const auto b = static_cast<std::byte>(value);
        ASSERT_TRUE(sys::pwrite_all(block_.fd.get(), {&b, 1}, at));
    }
    std::string refusal(const Stamp& stamp) {
        const Status s = check_stamp(block_, stamp);
        if (s)
            return "accepted";
        EXPECT_EQ(s.code(), Code::Refused);
        EXPECT_EQ(s.error().detail("block"), "ram0");
        EXPECT_FALSE(s.error().way_out().empty());
        return s.error().what();
    }
    bool refused_with(const std::function<void(Stamp&)>& change) {
        Stamp other = stamp_;
        change(other);
        return refusal(other) != "accepted";
    }

    RamBlock block_;
    Stamp stamp_;
};

TEST_F(StampedBlock, IsTakenByItsStateAndByNoOther) {
    EXPECT_EQ(refusal(stamp_), "accepted");
    EXPECT_TRUE(refused_with([](Stamp& s) { s.guest[0] = 8; }));
    EXPECT_TRUE(refused_with([](Stamp& s) { s.generation = 2; }));
    EXPECT_TRUE(refused_with([](Stamp& s) { s.attempt = 6; }));
    EXPECT_TRUE(refused_with([](Stamp& s) { s.nonce[0] = std::byte{1}; }));
    Stamp older = stamp_;
    older.attempt = 6;
    EXPECT_NE(refusal(older).find("3-7"), std::string::npos) << "both attempts are named";
}

TEST_F(StampedBlock, WhatLostItsContentIsRefused) {
    put(0, 1);
    EXPECT_NE(refusal(stamp_), "accepted");
    put(0, 0);
    EXPECT_EQ(refusal(stamp_), "accepted");
    put(size - 1, 1);
    EXPECT_NE(refusal(stamp_), "accepted") << "the last page";
}

TEST_F(StampedBlock, EveryByteOfTheStampCounts) {
    for (std::uint64_t at = 0; at < 80; ++at) {
        std::byte was[1];
        ASSERT_TRUE(sys::pread_all(block_.fd.get(), was, size + at));
        put(size + at, static_cast<int>(was[0]) ^ 1);
        EXPECT_NE(refusal(stamp_), "accepted") << "byte " << at;
        put(size + at, static_cast<int>(was[0]));
    }
    EXPECT_EQ(refusal(stamp_), "accepted");
}

TEST_F(StampedBlock, AHoleStaysAHole) {
    struct stat s = {};
    ASSERT_EQ(::fstat(block_.fd.get(), &s), 0);
    EXPECT_EQ(s.st_blocks * 512, 2 * 4096) << "the page that was written, and the stamp";
    EXPECT_EQ(refusal(stamp_), "accepted");
    ASSERT_EQ(::fstat(block_.fd.get(), &s), 0);
    EXPECT_EQ(s.st_blocks * 512, 2 * 4096);
}

TEST_F(StampedBlock, AClearedOneIsNobodys) {
    clear_stamp(block_);
    EXPECT_NE(refusal(stamp_), "accepted");
}

TEST_F(StampedBlock, ABackEndWithoutRoomForItIsRefused) {
    block_.stamp = SEGUE_NO_STAMP;
    const Status s = write_stamp(block_, stamp_);
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_EQ(s.error().detail("block"), "ram0");
    EXPECT_FALSE(s.error().way_out().empty());
    EXPECT_NE(refusal(stamp_), "accepted");
}

// hugetlbfs knows no write(2): found when a guest's RAM was to stay there over cpr-reboot.
TEST_F(StampedBlock, IsWrittenOnHugePagesToo) {
    constexpr std::uint64_t page = 2u << 20;
    const test::HugePages pool(2);
    ASSERT_TRUE(pool.there());
    block_.page_shift = 21;
    block_.bytes = block_.stamp = page;
    block_.fd = sys::memfd("ram0", MFD_HUGETLB | MFD_HUGE_2MB).value();
    ASSERT_TRUE(sys::truncate(block_.fd.get(), 2 * page));
    const Status s = write_stamp(block_, stamp_);
    ASSERT_TRUE(s) << s.error().what();
    EXPECT_EQ(refusal(stamp_), "accepted");
    EXPECT_TRUE(refused_with([](Stamp& stamp) { stamp.guest[0] = 8; }));
    clear_stamp(block_);
    EXPECT_NE(refusal(stamp_), "accepted");
}

TEST_F(StampedBlock, AnEmptyPoolIsAnErrorAndNoSignal) {
    constexpr std::uint64_t page = 1u << 30; // of which nobody has any
    block_.page_shift = 30;
    block_.bytes = block_.stamp = page;
    auto fd = sys::memfd("ram0", MFD_HUGETLB | MFD_HUGE_1GB);
    ASSERT_TRUE(fd) << fd.error().what();
    block_.fd = std::move(*fd);
    ASSERT_TRUE(sys::truncate(block_.fd.get(), 2 * page));
    EXPECT_FALSE(write_stamp(block_, stamp_));
}

} // namespace
} // namespace segue::inventory
