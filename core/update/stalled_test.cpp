// SPDX-License-Identifier: Apache-2.0
// A connection that stands still while others go on: neither does it keep an update past its
// deadline or its cancel, nor does a guest wait for it that needs a page.
#include <pthread.h>

#include <array>
#include <cstring>
#include <thread>

#include "core/update/two_blocks_test.hpp"

namespace segue::update {
namespace {

bool by_thread(const char* name) {
    std::array<char, 16> its{};
    ::pthread_getname_np(::pthread_self(), its.data(), its.size());
    return std::strcmp(its.data(), name) == 0;
}

class Stalled : public TwoBlocks {
protected:
    Stalled()
        : TwoBlocks("postcopy", kLarge) {
        const auto& large = inventory_.blocks()[1];
        for (std::uint64_t page = 0; page < dirty_log_.pages[1]; ++page)
            std::memset(large.base() + page * 4096, first_byte(page), 4096);
    }
    static int first_byte(std::uint64_t page) { return static_cast<int>(page % 250) + 1; }
    // One piece of the last round, which a thread of the mode has, does not end before the update
    // does. `act`: on that thread.
    void stall_in_the_pause(const std::function<void()>& act) {
        set("max_rounds", "3");
        script_.on("old dirty-log stop", [this]() -> Status {
            sys::signal_event(gate_.get());
            return {};
        });
        script_.on("old dirty-log take", [this, act]() -> Status {
            if (script_.count("old vcpus stop") == 0 || !by_thread("copy-1"))
                return {};
            act();
            return Waiter{Deadline::in(std::chrono::seconds(20))}.until(gate_.get(), POLLIN);
        });
    }

    static constexpr std::uint64_t kLarge = 18u << 20; // some of the mode's stripes, for each
    // Pages that the stream has not come to where it stands still: it goes on behind each of them.
    static constexpr std::array<std::uint64_t, 4> kFarOff = {4500, 3500, 2500, 1500};
};

TEST_P(Stalled, TheUpdateEndsAtItsDeadline) {
    request_.deadlines.handover = std::chrono::seconds(1);
    stall_in_the_pause([] {});
    expect_unharmed(update(), "handover");
    EXPECT_EQ(code_, Code::Deadline);
    EXPECT_TRUE(hung_.empty()) << "the mode would be trusted no more";
}

TEST_P(Stalled, ACancelEndsTheUpdate) {
    stall_in_the_pause([this] {
        std::this_thread::sleep_for(std::chrono::milliseconds(200)); // most likely all others wait
        sys::signal_event(cancel_.get());
    });
    expect_unharmed(update(), "handover");
    EXPECT_EQ(code_, Code::Cancelled);
    EXPECT_TRUE(hung_.empty());
}

// What was sent and not read yet is in the way of all behind it, and not of what is asked for.
TEST_P(Stalled, WhatTheGuestTouchesIsThereWhileNothingElseComes) {
    set("max_rounds", "0");
    script_.on("new userfault place", [this]() -> Status {
        if (by_thread("answers"))
            return {};
        EXPECT_TRUE(Waiter{Deadline::in(std::chrono::seconds(20))}.until(gate_.get(), POLLIN))
            << "what is asked for waits for what is not";
        sys::signal_event(gate_.get());
        return {};
    });
    std::vector<int> seen;
    std::jthread guest;
    script_.on("new vcpus run", [&]() -> Status {
        guest = std::jthread([&] {
            for (const std::uint64_t page : kFarOff)
                seen.push_back(static_cast<int>(candidate().userfault.touch(1, page)));
            sys::signal_event(gate_.get());
        });
        return {};
    });
    expect_moved(update());
    guest.join();
    for (std::size_t i = 0; i < kFarOff.size(); ++i)
        EXPECT_EQ(seen.at(i), first_byte(kFarOff[i]));
    const std::byte* there = candidate().inventory.blocks()[1].base(); // here they were dropped
    std::uint64_t wrong = 0;
    for (std::uint64_t page = 0; page < dirty_log_.pages[1]; ++page)
        wrong += there[page * 4096] != static_cast<std::byte>(first_byte(page));
    EXPECT_EQ(wrong, 0u);
}

INSTANTIATE_TEST_SUITE_P(Channels, Stalled, testing::Values("2", "3"));

} // namespace
} // namespace segue::update
