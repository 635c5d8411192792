// SPDX-License-Identifier: Apache-2.0
// Mode precopy between two sides on fake ports: what a guest writes while it is copied, and what
// happens to the copy when something breaks.
#include <atomic>
#include <cstring>
#include <random>
#include <thread>

#include "core/update/two_blocks_test.hpp"

namespace segue::update {
namespace {

class Copying : public TwoBlocks {
protected:
    Copying()
        : TwoBlocks("precopy", kLarge) {
        for (std::uint64_t page = 0; page < dirty_log_.pages[1]; page += 3) // the others are holes
            write({1, page});
        script_.on("old vcpus stop", [this]() -> Status {
            stop_writing();
            return {};
        });
    }
    ~Copying() override { stop_writing(); }

    // Several of the mode's stripes.
    static constexpr std::uint64_t kLarge = 18u << 20;
    struct Page {
        std::uint32_t block;
        std::uint64_t number;
    };
    // The guest's: a page of other bytes each time, sometimes of zeros.
    void write(Page page, bool logged = true) {
        const auto value = ++writes_ % 5 == 0 ? 0 : static_cast<int>(writes_ % 251);
        std::memset(inventory_.blocks()[page.block].base() + page.number * 4096, value, 4096);
        if (logged)
            dirty_log_.wrote(page.block, page.number);
    }
    // From now on until the vCPUs stop.
    void start_writing() {
        guest_thread_ = std::jthread([this](const std::stop_token& stop) {
            std::minstd_rand random;
            while (!stop.stop_requested()) {
                const auto block = static_cast<std::uint32_t>(random() % 2);
                write({block, random() % dirty_log_.pages[block]});
            }
        });
    }
    void stop_writing() {
        if (!guest_thread_.joinable())
            return;
        guest_thread_.request_stop();
        guest_thread_.join();
    }

    std::atomic<std::uint64_t> writes_{0};
    std::jthread guest_thread_;
};

TEST_P(Copying, WhatTheGuestWritesMeanwhileIsThere) {
    start_writing();
    expect_moved(update());
    EXPECT_GT(writes_, dirty_log_.pages[1]) << "the guest has not written while it was copied";
    EXPECT_EQ(differing(), 0u);
    for (std::size_t i = 0; i < 2; ++i)
        EXPECT_NE(inventory::FileId::of(candidate().inventory.blocks()[i].fd.get())->inode,
                  inventory::FileId::of(inventory_.blocks()[i].fd.get())->inode)
            << "it is no copy";
    for (const auto& item : inventory_.items())
        EXPECT_GE(candidate().inventory.find(item.name), 0) << item.name;
}

// What a test is worth that compares: the one page whose write was not logged is found.
TEST_P(Copying, APageThatNobodyLoggedIsMissed) {
    script_.on("old devices settle", [this]() -> Status { // after the rounds
        write({1, 3000}, false);
        return {};
    });
    expect_moved(update());
    EXPECT_EQ(differing(), 1u);
}

TEST_P(Copying, AWriteAfterTheLastRoundWhileTheGuestRunsIsThere) {
    script_.on("old devices settle", [this]() -> Status {
        write({1, 3000});
        return {};
    });
    expect_moved(update());
    EXPECT_EQ(differing(), 0u);
}

// As much again in each round: after the first one it is slowed down, and at the end no more.
TEST_P(Copying, AGuestThatWritesTooFastIsThrottledUntilItGoesOn) {
    set("converge", "throttle");
    set("downtime_limit", "1us");
    set("max_rounds", "4");
    std::vector<unsigned> throttled;
    script_.on("old dirty-log look", [&]() -> Status {
        throttled.push_back(vcpus_.throttled);
        for (std::uint64_t page = 0; page < dirty_log_.pages[1]; ++page)
            write({1, page});
        return {};
    });
    const report::UpdateRecord r = update();
    expect_unharmed(r, "copy");
    EXPECT_EQ(throttled, (std::vector<unsigned>{0, 0, 0, 20, 30}));
    EXPECT_EQ(vcpus_.throttled, 0u);
    ASSERT_TRUE(r.copy);
    EXPECT_EQ(r.copy->throttle, 40u);
    EXPECT_EQ(r.copy->rounds, 4u);
    EXPECT_EQ(r.copy->left, kLarge);
    EXPECT_GT(r.copy->rate, 0u);
    EXPECT_GT(r.copy->expected.count(), 0);
}

// What a mode aims at by itself may be longer.
TEST_P(Copying, WhatDoesNotFitIntoTheBlackoutBudgetIsNotPausedFor) {
    set("downtime_limit", "60m");
    set("max_rounds", "2");
    request_.deadlines.blackout_budget = std::chrono::microseconds(1);
    script_.on("old dirty-log look", [this]() -> Status {
        for (std::uint64_t page = 0; page < dirty_log_.pages[1]; ++page)
            write({1, page});
        return {};
    });
    const report::UpdateRecord r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "copy"));
    EXPECT_NE(r.error->what().find("the guest writes its RAM too fast"), std::string::npos)
        << r.error->what();
    EXPECT_EQ(script_.count("old vcpus stop"), 0);
}

TEST_P(Copying, ALogThatBreaksLeavesTheGuestHere) {
    start_writing();
    script_.fail("old dirty-log take");
    expect_unharmed(update(), "copy");
    EXPECT_FALSE(dirty_log_.on);
}

TEST_P(Copying, ACandidateThatDiesInTheCopyLeavesTheGuestHere) {
    start_writing();
    script_.on("old dirty-log take", [this]() -> Status {
        (void)candidate().die().code();
        return {};
    });
    expect_unharmed(update(), "copy");
    EXPECT_FALSE(dirty_log_.on);
}

INSTANTIATE_TEST_SUITE_P(Channels, Copying, testing::Values("1", "3"));

} // namespace
} // namespace segue::update
