// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/ram_converter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>

#include <segue/cpp/sys.hpp>

#include "core/inventory/ram.hpp"
#include "vmm/memory/page_bits.hpp"
#include "vmm/memory/vm_areas.hpp"

namespace segue::vmm {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kMiB = 1u << 20;

// A block of anonymous memory beside one that has a descriptor.
class RamConverterTest : public testing::Test {
protected:
    static constexpr std::uint64_t kBytes = 24 * kMiB + 3 * kPageBytes;

    void SetUp() override {
        UniqueFd file = sys::memfd("shared", 0).value();
        ASSERT_TRUE(sys::truncate(file.get(), kMiB));
        inventory::RamBlock shared = inventory::stand_in("ram0", kMiB).value();
        shared.fd = std::move(file);
        shared.map_flags = MAP_SHARED;
        ASSERT_TRUE(inventory_.add(std::move(shared)));
        inventory::RamBlock own = inventory::stand_in("ram1", kBytes).value();
        own.backend = "private";
        own.map_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        ASSERT_TRUE(inventory_.add(std::move(own)));
        ASSERT_TRUE(sys::madvise(base(), kBytes, MADV_DONTDUMP));
    }
    inventory::RamBlock& block() { return inventory_.blocks()[1]; }
    std::byte* base() { return block().base(); }
    std::byte* page(std::uint64_t number) { return base() + number * kPageBytes; }
    // Every third page; of those, some of zeros.
    void write_some() {
        for (std::uint64_t at = 0; at < kBytes / kPageBytes; at += 3)
            std::memset(page(at), at % 15 == 0 ? 0 : static_cast<int>(at % 251), kPageBytes);
    }
    std::vector<std::byte> content() { return {base(), base() + kBytes}; }
    // What another process would see.
    std::vector<std::byte> seen_through(int fd) {
        std::vector<std::byte> bytes(kBytes);
        EXPECT_TRUE(sys::pread_all(fd, bytes, 0));
        return bytes;
    }
    static std::uint64_t taken(int fd) {
        return static_cast<std::uint64_t>(sys::stat(fd)->st_blocks) * 512;
    }
    int start() {
        const auto fds = ram_.start();
        EXPECT_TRUE(fds) << fds.error().what();
        EXPECT_EQ(fds->size(), 2u);
        EXPECT_EQ(fds->at(0), -1) << "it has one";
        return fds->at(1);
    }
    ports::Converted convert(std::uint64_t copy = 2 * kMiB) {
        const auto ready = ram_.make_ready(copy);
        EXPECT_TRUE(ready && *ready);
        const auto done = ram_.convert();
        EXPECT_TRUE(done) << done.error().what();
        return done ? *done : ports::Converted{};
    }
    unsigned convert_all(std::uint64_t copy = 2 * kMiB) {
        unsigned pieces = 0;
        for (; ram_.make_ready(copy).value(); ++pieces)
            EXPECT_TRUE(ram_.convert());
        return pieces;
    }
    // Makes `fd` another open file of the same memory.
    static void reopen(int fd, int flags) {
        const auto other = sys::open("/proc/self/fd/" + std::to_string(fd), flags);
        ASSERT_TRUE(other && ::dup2(other->get(), fd) == fd);
    }
    // Mappings between `base` and its end.
    std::vector<VmArea> areas() {
        std::vector<VmArea> its;
        const std::vector<VmArea> all = vm_areas().value();
        for (const VmArea& a : all)
            if (a.overlaps(base(), kBytes))
                its.push_back(a);
        return its;
    }

    inventory::Inventory inventory_;
    RamConverter ram_{inventory_, {}};
};

TEST_F(RamConverterTest, TheSameBytesAreSharedAfterwardsAndHolesAreHoles) {
    write_some();
    const auto before = content();
    const int fd = start();
    EXPECT_EQ(taken(fd), 0u);
    EXPECT_GE(convert_all(), 3u);
    EXPECT_LE(taken(fd), kBytes / 3) << "a page was made of zeros";
    EXPECT_EQ(seen_through(fd), before);
    EXPECT_EQ(content(), before); // last: to read a hole makes a page
    *page(7) = std::byte{42};
    EXPECT_EQ(seen_through(fd)[7 * kPageBytes], std::byte{42});
    EXPECT_EQ(sys::seals(fd).value(), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

TEST_F(RamConverterTest, APieceIsAsLargeAsItIsToBe) {
    std::memset(base(), 1, kBytes);
    start();
    const ports::Converted done = convert(5 * kMiB);
    EXPECT_GE(done.copied, 5 * kMiB);
    EXPECT_LT(done.copied, 7 * kMiB) << "more than to the end of a huge page";
    EXPECT_EQ(done.bytes, done.copied);
    EXPECT_EQ(done.left, kBytes - done.bytes);
}

TEST_F(RamConverterTest, HoweverMuchMayBeCopiedThereIsNoMoreThanThereIs) {
    std::memset(base(), 1, kBytes);
    start();
    EXPECT_EQ(convert(std::uint64_t{1} << 60).copied, kBytes);
}

// A stop takes time for each page that is there, also where there is nothing to copy.
TEST_F(RamConverterTest, PagesOfZerosMakeNoPieceOfAnySize) {
    std::memset(base(), 0, kBytes);
    start();
    const ports::Converted done = convert(2 * kMiB);
    EXPECT_EQ(done.copied, 0u);
    EXPECT_LE(done.bytes, 10 * kMiB);
}

TEST_F(RamConverterTest, RamThatNobodyTouchedIsOnePieceAndTakesNothing) {
    *page(5000) = std::byte{1};
    const int fd = start();
    EXPECT_EQ(convert_all(), 1u);
    EXPECT_EQ(taken(fd), kPageBytes);
}

TEST_F(RamConverterTest, WhatIsWrittenBeforeTheGuestStandsStillIsThere) {
    ASSERT_TRUE(sys::madvise(base(), kBytes, MADV_NOHUGEPAGE)); // so that there are holes
    write_some();
    const int fd = start();
    ASSERT_TRUE(ram_.make_ready(2 * kMiB).value());
    std::memset(page(1), 77, kPageBytes);                        // there was none
    std::memset(page(3), 78, kPageBytes);                        // another
    ASSERT_EQ(::madvise(page(6), kPageBytes, MADV_DONTNEED), 0); // as a balloon does
    ASSERT_TRUE(ram_.convert());
    EXPECT_EQ(*page(1), std::byte{77});
    EXPECT_EQ(*page(3), std::byte{78});
    EXPECT_EQ(*page(6), std::byte{0});
    convert_all();
    EXPECT_EQ(seen_through(fd), content());
}

TEST_F(RamConverterTest, OneThatEndsEarlyGoesOnWhereItWas) {
    write_some();
    const auto before = content();
    const int fd = start();
    const std::uint64_t left = convert().left;
    ASSERT_TRUE(ram_.make_ready(2 * kMiB).value());
    const std::uint64_t ready = taken(fd);
    ram_.stop();
    EXPECT_LT(taken(fd), ready) << "memory for a piece that is not moved";
    EXPECT_EQ(content(), before);
    EXPECT_EQ(start(), fd);
    EXPECT_LT(convert().left, left);
    convert_all();
    EXPECT_EQ(content(), before);
    EXPECT_EQ(seen_through(fd), before);
}

TEST_F(RamConverterTest, ThereIsNothingLeftOfOneThatMovedNothing) {
    write_some();
    const int fd = start();
    ASSERT_TRUE(ram_.make_ready(2 * kMiB).value());
    ram_.stop();
    ram_.stop();
    EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

TEST_F(RamConverterTest, TheNewMappingIsOneAndHasTheAdviceOfTheOld) {
    ASSERT_TRUE(sys::madvise(base(), kBytes, MADV_NOHUGEPAGE));
    write_some();
    start();
    convert_all();
    const auto its = areas();
    ASSERT_EQ(its.size(), 1u);
    EXPECT_TRUE(its[0].has("sh") && its[0].has("dd") && its[0].has("nh")) << its[0].flags;
}

TEST_F(RamConverterTest, PreallocatedMemoryStaysSo) {
    RamConverter keeps(inventory_, {"ram1"});
    ASSERT_EQ(::madvise(base(), kBytes, MADV_POPULATE_WRITE), 0);
    const int fd = keeps.start()->at(1);
    while (keeps.make_ready(4 * kMiB).value())
        ASSERT_TRUE(keeps.convert());
    EXPECT_EQ(taken(fd), kBytes);
}

TEST_F(RamConverterTest, WhatCannotBeMappedStaysWhereItIs) {
    write_some();
    const auto before = content();
    const int fd = start();
    ASSERT_TRUE(ram_.make_ready(2 * kMiB).value());
    reopen(fd, O_WRONLY); // may be written, not mapped
    const auto done = ram_.convert();
    reopen(fd, O_RDWR);
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().what(), HasSubstr("RAM block 'ram1' (memory/private)"));
    EXPECT_THAT(done.error().way_out(), HasSubstr("vm.max_map_count"));
    EXPECT_EQ(content(), before);
    EXPECT_EQ(taken(fd), 0u);
    EXPECT_FALSE(areas().at(0).has("sh"));
    convert_all();
    EXPECT_EQ(content(), before);
    EXPECT_EQ(seen_through(fd), before);
}

TEST_F(RamConverterTest, LockedRamIsRefusedByName) {
    ASSERT_EQ(::mlock2(page(9), kPageBytes, MLOCK_ONFAULT), 0);
    const Status s = ram_.check();
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_THAT(s.error().what(), HasSubstr("'ram1'"));
    EXPECT_THAT(s.error().what(), HasSubstr("locked"));
    EXPECT_THAT(s.error().way_out(), HasSubstr("memory.lock = false"));
    EXPECT_EQ(ram_.start().code(), Code::Refused);
}

// A budget is a number of bytes by the clock; where RAM is mostly holes a piece is as long as it
// may be.
class SparseRam : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Budgets, SparseRam,
                         testing::Values(0, 2 * kMiB + 1, 3 * kMiB + kPageBytes + 1));

TEST_P(SparseRam, MovesInWholePages) {
    constexpr std::uint64_t kBytes = 200 * kMiB, kStep = 3 * kMiB + kPageBytes;
    inventory::Inventory inventory;
    inventory::RamBlock own = inventory::stand_in("ram0", kBytes).value();
    own.map_flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    ASSERT_TRUE(inventory.add(std::move(own)));
    for (std::uint64_t at = 0; at < kBytes; at += kStep)
        inventory.blocks()[0].base()[at] = std::byte{0x5a};
    RamConverter ram(inventory, {});
    const auto fds = ram.start();
    ASSERT_TRUE(fds);
    unsigned pieces = 0;
    for (; ram.make_ready(GetParam()).value(); ++pieces)
        ASSERT_TRUE(ram.convert());
    EXPECT_GT(pieces, 1u);
    std::byte found = {};
    for (std::uint64_t at = 0; at < kBytes; at += kStep) {
        ASSERT_TRUE(sys::pread_all(fds->at(0), {&found, 1}, at));
        EXPECT_EQ(found, std::byte{0x5a}) << at;
    }
}

TEST_F(RamConverterTest, HugePagesAreRefusedByName) {
    block().page_shift = 21;
    EXPECT_THAT(ram_.check().error().what(), HasSubstr("'ram1' (memory/private) cannot become"));
    EXPECT_THAT(ram_.check().error().what(), HasSubstr("huge pages"));
}

TEST_F(RamConverterTest, PinnedPagesAreRefused) {
    io_uring_params params = {};
    UniqueFd ring(static_cast<int>(::syscall(SYS_io_uring_setup, 2, &params)));
    ASSERT_TRUE(ring);
    EXPECT_TRUE(ram_.check()) << "a ring pins nothing of ours";
    const iovec buffer = {page(4), kPageBytes};
    ASSERT_EQ(::syscall(SYS_io_uring_register, ring.get(), IORING_REGISTER_BUFFERS, &buffer, 1), 0);
    const Status s = ram_.check();
    ring.reset();
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_THAT(s.error().what(), HasSubstr("4K of this process are pinned"));
    EXPECT_FALSE(s.error().way_out().empty());
    for (int n = 0; n < 5000 && !ram_.check(); ++n) // the kernel lets go of them by and by
        ::usleep(1000);
    EXPECT_TRUE(ram_.check());
}

TEST_F(RamConverterTest, WhereEveryBlockHasADescriptorThereIsNothingToDo) {
    block().fd = sys::memfd("other", 0).value();
    EXPECT_TRUE(ram_.check());
    EXPECT_EQ(ram_.start().value(), (std::vector<int>{-1, -1}));
    EXPECT_FALSE(ram_.make_ready(2 * kMiB).value());
}

} // namespace
} // namespace segue::vmm
