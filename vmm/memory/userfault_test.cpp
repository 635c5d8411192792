// SPDX-License-Identifier: Apache-2.0
// Pages that are there only once they were put there: for who stores, for a system call, for KVM's
// kind of memory, and for huge pages.
#include "vmm/memory/userfault.hpp"

#include <sys/mman.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <future>
#include <thread>

#include <segue/cpp/sys.hpp>

#include "core/base/wait.hpp"
#include "tests/support/huge_pages.hpp"
#include "vmm/memory/vm_areas.hpp"

namespace segue::vmm {
namespace {

constexpr std::uint64_t kPage = 4096;

class UserfaultTest : public testing::Test {
protected:
    void add(std::uint64_t bytes, int flags, std::uint32_t shift = 12) {
        inventory::RamBlock b;
        b.id = "ram" + std::to_string(inventory_.blocks().size());
        b.backend = "memfd";
        b.bytes = bytes;
        b.page_shift = shift;
        b.map_flags = static_cast<std::uint32_t>(flags);
        if ((flags & MAP_SHARED) != 0) {
            b.fd = sys::memfd("ram", shift == 12 ? 0 : MFD_HUGETLB | MFD_HUGE_2MB).value();
            ASSERT_TRUE(sys::truncate(b.fd.get(), bytes));
        }
        auto map = Mapping::make(bytes, PROT_READ | PROT_WRITE, flags, b.fd.get(), 0, "ram");
        ASSERT_TRUE(map) << map.error().what();
        b.map = std::move(*map);
        ASSERT_TRUE(inventory_.add(std::move(b)));
    }
    std::byte* at(std::uint64_t page, std::uint32_t block = 0) {
        return inventory_.blocks()[block].base() + page * kPage;
    }
    void arm() {
        const Status begun = fault_.begin({0});
        ASSERT_TRUE(begun) << begun.error().what();
        ASSERT_TRUE(fault_.arm());
    }
    ports::Fault next() {
        std::array<ports::Fault, 4> faults;
        EXPECT_TRUE(Waiter{Deadline::in(std::chrono::seconds(20))}.until(fault_.fd(), POLLIN));
        const auto n = fault_.read(faults);
        EXPECT_TRUE(n && *n == 1);
        return faults[0];
    }

    Status place(std::uint64_t first, std::uint64_t n, std::span<const std::byte> bytes) {
        placed_ = 0;
        return fault_.place(0, first, n, bytes, placed_);
    }

    std::uint64_t placed_ = 0;
    inventory::Inventory inventory_;
    Userfault fault_{inventory_};
};

TEST_F(UserfaultTest, ThisHostCan) {
    const Status s = fault_.check();
    EXPECT_TRUE(s) << s.error().what() << ": " << s.error().way_out();
}

TEST_F(UserfaultTest, WhoStoresWaitsForThePage) {
    for (const int flags : {MAP_SHARED, MAP_PRIVATE | MAP_ANONYMOUS}) {
        inventory_.blocks().clear();
        add(64 * kPage, flags);
        arm();
        std::atomic<int> tid{0};
        auto stored = std::async(std::launch::async, [&] {
            tid = static_cast<int>(::syscall(SYS_gettid));
            at(5)[1] = std::byte{9};
        });
        const ports::Fault fault = next();
        EXPECT_EQ(fault.block, 0u);
        EXPECT_EQ(fault.page, 5u);
        EXPECT_EQ(static_cast<int>(fault.thread), tid);
        std::array<std::byte, kPage> page;
        page.fill(std::byte{7});
        ASSERT_TRUE(place(5, 1, page));
        stored.get();
        EXPECT_EQ(at(5)[0], std::byte{7});
        EXPECT_EQ(at(5)[1], std::byte{9});
        fault_.disarm();
    }
}

TEST_F(UserfaultTest, ASystemCallWaitsForThePage) {
    add(64 * kPage, MAP_SHARED);
    arm();
    const UniqueFd file = sys::memfd("file", 0).value();
    ASSERT_TRUE(sys::pwrite_all(file.get(), std::as_bytes(std::span("text")), 0));
    auto read =
        std::async(std::launch::async, [&] { return ::pread(file.get(), at(63) + 100, 5, 0); });
    EXPECT_EQ(next().page, 63u);
    ASSERT_TRUE(fault_.place_zeros(0, 63, 1));
    EXPECT_EQ(read.get(), 5);
    EXPECT_STREQ(reinterpret_cast<const char*>(at(63) + 100), "text");
}

TEST_F(UserfaultTest, ZerosLeaveWhatIsThereAsItIs) {
    add(64 * kPage, MAP_SHARED);
    arm();
    const std::vector<std::byte> pages(4 * kPage, std::byte{7});
    ASSERT_TRUE(place(0, 4, pages));
    EXPECT_EQ(placed_, 4u);
    ASSERT_TRUE(fault_.place_zeros(0, 1, 4));
    EXPECT_EQ(at(1)[0], std::byte{7});
    EXPECT_EQ(at(4)[0], std::byte{0});
}

// Who looks through a mapping of his own makes pages of zeros, at which nobody here waits.
TEST_F(UserfaultTest, APageThatAnotherProcessHasLookedAtComesAllTheSame) {
    add(64 * kPage, MAP_SHARED);
    arm();
    const auto theirs = Mapping::make(64 * kPage, PROT_READ, MAP_SHARED,
                                      inventory_.blocks()[0].fd.get(), 0, "theirs");
    EXPECT_EQ(theirs->data()[2 * kPage], std::byte{0});
    const std::vector<std::byte> pages(4 * kPage, std::byte{7});
    ASSERT_TRUE(place(0, 4, pages));
    for (const std::uint64_t page : {0, 1, 2, 3})
        EXPECT_EQ(at(page)[kPage - 1], std::byte{7});
    EXPECT_EQ(theirs->data()[2 * kPage], std::byte{7});
}

TEST_F(UserfaultTest, OneThatTheGuestHasUsedThenIsAnError) {
    add(64 * kPage, MAP_SHARED);
    arm();
    const auto theirs = Mapping::make(64 * kPage, PROT_READ, MAP_SHARED,
                                      inventory_.blocks()[0].fd.get(), 0, "theirs");
    EXPECT_EQ(theirs->data()[2 * kPage], std::byte{0});
    EXPECT_EQ(at(2)[0], std::byte{0}) << "it has waited";
    const std::vector<std::byte> pages(4 * kPage, std::byte{7});
    const Status s = place(0, 4, pages);
    ASSERT_EQ(s.code(), Code::Corrupt);
    EXPECT_EQ(s.error().detail("block"), "ram0");
    EXPECT_EQ(placed_, 2u);
}

TEST_F(UserfaultTest, WhatIsDiscardedIsMissingAgain) {
    for (const int flags : {MAP_SHARED, MAP_PRIVATE | MAP_ANONYMOUS})
        for (const bool locked : {false, true}) {
            inventory_.blocks().clear();
            add(64 * kPage, flags);
            std::memset(at(0), 1, 64 * kPage);
            ASSERT_TRUE(fault_.begin({0}));
            if (locked) {
                ASSERT_EQ(::mlock2(at(0), 64 * kPage, MLOCK_ONFAULT), 0);
            }
            ASSERT_TRUE(fault_.discard(0, 8, 2));
            ASSERT_TRUE(fault_.arm());
            EXPECT_EQ(at(7)[0], std::byte{1});
            auto seen = std::async(std::launch::async, [&] { return at(9)[0]; });
            EXPECT_EQ(next().page, 9u);
            std::vector<std::byte> pages(2 * kPage, std::byte{3});
            ASSERT_TRUE(place(8, 2, pages));
            EXPECT_EQ(seen.get(), std::byte{3});
            fault_.disarm();
        }
}

// A page of the host's that is half there would have to come whole; afterwards the guest gets them
// back.
TEST_F(UserfaultTest, HugePagesThatWereAdvisedAreOffUntilItIsDisarmed) {
    constexpr std::uint64_t bytes = 4u << 20;
    for (int i = 0; i < 2; ++i)
        add(bytes, MAP_PRIVATE | MAP_ANONYMOUS);
    ASSERT_EQ(::madvise(at(0), bytes, MADV_HUGEPAGE), 0);
    ASSERT_EQ(::madvise(at(0, 1), bytes, MADV_NOHUGEPAGE), 0);
    const auto advice = [this](std::uint32_t block) {
        std::string all;
        const auto areas = vm_areas();
        EXPECT_TRUE(areas);
        for (const VmArea& area : *areas)
            for (const char* flag : {"hg", "nh"})
                if (area.overlaps(at(0, block), bytes) && area.has(flag))
                    all += flag;
        return all;
    };
    EXPECT_EQ(advice(0), "hg");
    ASSERT_TRUE(fault_.begin({0, 1}));
    EXPECT_EQ(advice(0), "nh");
    ASSERT_TRUE(fault_.arm());
    EXPECT_EQ(advice(0), "nh");
    fault_.disarm();
    EXPECT_EQ(advice(0), "hg");
    EXPECT_EQ(advice(1), "nh") << "its owner wants none";
}

TEST_F(UserfaultTest, DisarmedAllGoOn) {
    add(64 * kPage, MAP_SHARED);
    arm();
    auto seen = std::async(std::launch::async, [&] { return at(9)[0]; });
    EXPECT_EQ(next().page, 9u);
    fault_.disarm();
    EXPECT_EQ(seen.get(), std::byte{0});
    EXPECT_TRUE(Waiter{Deadline::in(std::chrono::seconds(20))}.until(fault_.fd(), POLLIN))
        << "whoever reads is not told";
    fault_.disarm();
}

TEST_F(UserfaultTest, HugePagesComeWhole) {
    constexpr std::uint64_t kHuge = 2u << 20;
    const test::HugePages pool(3);
    ASSERT_TRUE(pool.there());
    add(2 * kHuge, MAP_SHARED, 21);
    arm();
    auto seen = std::async(std::launch::async, [&] { return at(513)[0]; });
    EXPECT_EQ(next().page / 512, 1u);
    std::vector<std::byte> page(kHuge, std::byte{5});
    ASSERT_TRUE(place(512, 512, page));
    EXPECT_EQ(seen.get(), std::byte{5});
    ASSERT_TRUE(fault_.place_zeros(0, 0, 512));
    EXPECT_EQ(at(511)[0], std::byte{0});
}

// As another VM on the host may want them.
TEST_F(UserfaultTest, HugePagesThatWereDiscardedAreNobodyElses) {
    constexpr std::uint64_t kHuge = 2u << 20;
    const test::HugePages pool(3);
    ASSERT_TRUE(pool.there());
    const UniqueFd other = sys::memfd("other", MFD_HUGETLB | MFD_HUGE_2MB).value();
    const auto take_the_rest = [&] { // of the pool
        const std::uint64_t bytes = test::HugePages::unused() * kHuge;
        return sys::truncate(other.get(), bytes) &&
               Mapping::make(bytes, PROT_READ, MAP_SHARED, other.get(), 0, "other").ok();
    };
    add(2 * kHuge, MAP_SHARED, 21);
    std::memset(at(0), 1, 2 * kHuge);
    ASSERT_TRUE(fault_.begin({0}));
    ASSERT_TRUE(fault_.discard(0, 0, 1024));
    ASSERT_TRUE(fault_.arm());
    EXPECT_FALSE(take_the_rest());
    fault_.disarm();
    std::memset(at(0), 1, 2 * kHuge);
    ASSERT_TRUE(fault_.discard(0, 0, 1024));
    ASSERT_TRUE(take_the_rest());
    const Status s = fault_.arm();
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_THAT(s.error().what(), testing::HasSubstr("huge pages"));
    EXPECT_EQ(s.error().detail("block"), "ram0");
}

TEST_F(UserfaultTest, MemoryOfAFileIsRefusedByName) {
    const UniqueFd file = sys::open("/proc/self/exe", O_RDONLY).value();
    inventory::RamBlock b;
    b.id = "ram0";
    b.backend = "file";
    b.bytes = 4 * kPage;
    b.map_flags = MAP_SHARED;
    b.map = Mapping::make(b.bytes, PROT_READ, MAP_SHARED, file.get(), 0, "file").value();
    ASSERT_TRUE(inventory_.add(std::move(b)));
    const Status s = fault_.begin({0});
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_THAT(s.error().what(), testing::HasSubstr("RAM block 'ram0' (memory/file)"));
    EXPECT_THAT(s.error().way_out(), testing::HasSubstr("memory/memfd"));
}

} // namespace
} // namespace segue::vmm
