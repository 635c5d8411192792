// SPDX-License-Identifier: Apache-2.0
// What becomes of pages that come twice, and where the host has no room for one: what the other
// side need not send again is here, and what is not here can be sent again.
#include "core/update/filling.hpp"

#include <gtest/gtest.h>

#include <array>
#include <future>

#include "core/inventory/ram.hpp"
#include "core/update/fake_userfault_test.hpp"

namespace segue::update {
namespace {

constexpr std::uint64_t kPage = 4096, kHuge = 512; // bytes; pages in one of 2 MiB

class FillingTest : public testing::Test {
protected:
    void begin(std::uint32_t shift) {
        auto block = inventory::stand_in("ram0", 2 * kHuge * kPage);
        ASSERT_TRUE(block);
        block->page_shift = shift;
        ASSERT_TRUE(inventory_.add(std::move(*block)));
        received_.emplace_back(2 * kHuge);
        received_[0].mark(0, 2 * kHuge);
        ASSERT_TRUE(filling_.discard(0, 0, 2 * kHuge));
        ASSERT_TRUE(filling_.arm());
    }
    Status come(std::uint64_t first, std::uint64_t n, char what) {
        const std::vector<std::byte> bytes(n * kPage, std::byte(what));
        return filling_.take({0, 0, first, n}, bytes);
    }
    std::byte* at(std::uint64_t page) { return inventory_.blocks()[0].base() + page * kPage; }

    Script script_;
    inventory::Inventory inventory_;
    std::vector<ReceivedMap> received_;
    FakeUserfault port_{script_, "new", inventory_};
    Filling filling_{port_, inventory_, received_};
};

// The guest may have written it since.
TEST_F(FillingTest, WhatComesTwiceIsTakenOnce) {
    begin(12);
    ASSERT_TRUE(come(3, 2, 'a'));
    *at(3) = std::byte('g');
    ASSERT_TRUE(come(2, 4, 'b'));
    EXPECT_EQ(*at(3), std::byte('g'));
    EXPECT_EQ(*at(4), std::byte('a'));
    EXPECT_EQ(*at(2), std::byte('b'));
    EXPECT_EQ(*at(5), std::byte('b'));
    EXPECT_EQ(filling_.missing(), 2 * kHuge - 4);
    EXPECT_EQ(script_.count("new userfault place"), 3) << "the run, and the pages beside it";
}

TEST_F(FillingTest, WhatCouldNotBePlacedMayComeAgain) {
    begin(12);
    script_.fail("new userfault place");
    EXPECT_FALSE(come(0, 8, 'a'));
    EXPECT_EQ(filling_.missing(), 2 * kHuge);
    script_.clear();
    ASSERT_TRUE(come(0, 8, 'a'));
    EXPECT_EQ(filling_.missing(), 2 * kHuge - 8);
}

// The other side has given back the memory of the parts before.
TEST_F(FillingTest, OfAHugePageThatCouldNotBePlacedTheLastPartIsEnough) {
    begin(21);
    for (std::uint64_t first = 0; first < kHuge - 64; first += 64)
        ASSERT_TRUE(come(first, 64, 'a'));
    script_.fail("new userfault place");
    EXPECT_FALSE(come(kHuge - 64, 64, 'b'));
    script_.clear();
    ASSERT_TRUE(come(kHuge - 64, 64, 'b'));
    EXPECT_EQ(filling_.missing(), kHuge);
    EXPECT_EQ(*at(0), std::byte('a'));
    EXPECT_EQ(*at(kHuge - 1), std::byte('b'));
}

TEST_F(FillingTest, WhoWaitsForAPageThatHasComeIsServedByTheNextToAsk) {
    begin(12);
    auto seen = std::async(std::launch::async, [this] { return port_.touch(0, 9); });
    std::array<segue_fault, 4> faults;
    const Waiter patience{Deadline::in(std::chrono::seconds(20))};
    const auto told = filling_.faults(faults, patience);
    ASSERT_TRUE(told && *told == 1);
    script_.fail("new userfault zeros");
    EXPECT_FALSE(filling_.take({0, SEGUE_PAGES_ZERO, 9, 1}, {}));
    script_.clear();
    filling_.tell_again();
    auto asks = std::async(std::launch::async, [&] { return filling_.faults(faults, patience); });
    EXPECT_EQ(seen.get(), std::byte{0});
    filling_.disarm();
    EXPECT_EQ(asks.get().value(), 0u) << "there was nothing to ask for";
}

} // namespace
} // namespace segue::update
