// SPDX-License-Identifier: Apache-2.0
#include "core/update/ownership.hpp"

#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <segue/cpp/sys.hpp>

namespace segue::update {
namespace {

class OwnershipTest : public ::testing::Test {
protected:
    OwnershipTest() {
        char name[] = "/dev/shm/segue-test-XXXXXX";
        dir_ = ::mkdtemp(name);
    }
    ~OwnershipTest() override {
        ::unlink(path().c_str());
        ::rmdir(dir_.c_str());
    }
    std::string path() const { return dir_ + "/owner"; }
    std::string dir_;
};

TEST_F(OwnershipTest, GenerationOneOwnsWhatItMakes) {
    auto record = Ownership::create(path(), state::Uuid{1, 2, 3});
    ASSERT_TRUE(record) << record.error().what();
    EXPECT_EQ(record->word(), (Word{1, 0, Owner::Owned}));
    EXPECT_EQ(record->owner().pid, ::getpid());
    EXPECT_NE(record->owner().start_time, 0u);
    EXPECT_EQ(record->next_attempt().value(), 1u);
    EXPECT_TRUE(record->offer(1, 1));
    EXPECT_FALSE(record->end(1)) << "on offer";
    EXPECT_TRUE(record->take_back(1, 1));
    EXPECT_TRUE(record->end(1));
}

TEST_F(OwnershipTest, ASecondMappingSeesTheSameWord) {
    auto old_side = Ownership::create(path(), state::Uuid{9});
    ASSERT_TRUE(old_side);
    auto new_side = Ownership::adopt(sys::dup(old_side->fd()).value());
    ASSERT_TRUE(new_side) << new_side.error().what();
    EXPECT_EQ(new_side->guest(), state::Uuid{9});
    ASSERT_TRUE(old_side->offer(1, 1));
    EXPECT_TRUE(new_side->claim(2, 1));
    EXPECT_FALSE(old_side->take_back(1, 1));
    EXPECT_EQ(old_side->word(), (Word{2, 1, Owner::Owned}));
}

TEST_F(OwnershipTest, WhatIsNoRecordIsRefused) {
    auto fd = sys::open(path(), O_RDWR | O_CREAT, 0600);
    ASSERT_TRUE(fd);
    EXPECT_EQ(Ownership::adopt(sys::dup(fd->get()).value()).code(), Code::Corrupt);
    ASSERT_TRUE(sys::truncate(fd->get(), 4096));
    EXPECT_EQ(Ownership::adopt(sys::dup(fd->get()).value()).code(), Code::Corrupt);
}

// Two real processes race for the word, the owner to take it back, the candidate to claim it.
TEST_F(OwnershipTest, TenThousandRacesHaveExactlyOneWinnerEach) {
    constexpr std::uint32_t kRaces = 10000;
    auto record = Ownership::create(path(), state::Uuid{});
    ASSERT_TRUE(record);
    auto shared =
        Mapping::make(4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0, "race");
    ASSERT_TRUE(shared);
    struct Race {
        std::atomic<std::uint32_t> round, ready, won;
    };
    auto* race = new (shared->data()) Race{};
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        std::uint32_t wins = 0;
        for (std::uint32_t n = 1; n <= kRaces; ++n) {
            while (race->round.load() < n)
                ::sched_yield();
            // The generation is whatever the offer says: each win of ours moves it on.
            if (record->claim(record->word().generation + 1, n))
                ++wins;
            race->won = wins;
            race->ready = n;
        }
        ::_exit(0);
    }
    std::uint32_t back = 0, before = 0, lost_both = 0, won_both = 0;
    for (std::uint32_t n = 1; n <= kRaces; ++n) {
        const std::uint32_t g = record->word().generation;
        ASSERT_TRUE(record->offer(g, n));
        race->round = n;
        if (n % 2 != 0)
            ::sched_yield(); // let either side come first
        const bool mine = record->take_back(g, n);
        while (race->ready.load() < n)
            ::sched_yield();
        const bool theirs = race->won.load() != before;
        before = race->won.load();
        back += mine ? 1 : 0;
        lost_both += !mine && !theirs ? 1 : 0;
        won_both += mine && theirs ? 1 : 0;
    }
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(lost_both, 0u);
    EXPECT_EQ(won_both, 0u);
    EXPECT_EQ(back + before, kRaces);
    RecordProperty("taken_back", static_cast<int>(back));
}

} // namespace
} // namespace segue::update
