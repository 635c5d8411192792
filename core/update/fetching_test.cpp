// SPDX-License-Identifier: Apache-2.0
// Mode postcopy between two sides on fake ports: the guest runs before its RAM is there, what it
// touches comes first, and who dies meanwhile takes it along.
#include <cstring>
#include <future>

#include <gmock/gmock.h>

#include "core/update/two_blocks_test.hpp"

namespace segue::update {
namespace {

using report::Phase;
using report::UpdateStatus;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class Fetching : public TwoBlocks {
protected:
    Fetching()
        : TwoBlocks("postcopy", kLarge) {
        set("max_rounds", "0");
        for (std::uint64_t page = 0; page < dirty_log_.pages[1]; page += 3) // the others are holes
            std::memset(at(page), static_cast<int>(page % 250) + 1, 4096);
    }
    // So that what nobody asks for takes minutes.
    void slowly() { set("bandwidth_after", "4096"); }
    std::byte* at(std::uint64_t page) { return inventory_.blocks()[1].base() + page * 4096; }
    // Once the guest runs over there, in a thread of its own.
    template <class F>
    void over_there(F act) {
        script_.on("new vcpus run", [this, act]() -> Status {
            guest_thread_ = std::jthread([act] { act(); });
            return {};
        });
    }

    static constexpr std::uint64_t kLarge = 3u << 20;
    std::jthread guest_thread_;
};

TEST_P(Fetching, AllOfItComesAndIsGivenBackHere) {
    set("bandwidth_after", "4M"); // so that what was acknowledged is heard of meanwhile
    std::vector<std::byte> before(at(0), at(0) + kLarge);
    expect_moved(update());
    EXPECT_EQ(std::memcmp(candidate().inventory.blocks()[1].base(), before.data(), kLarge), 0);
    EXPECT_LT(sys::stat(inventory_.blocks()[1].fd.get())->st_blocks * 512, kLarge)
        << "nothing was dropped";
    const report::UpdateRecord& r = candidate().record;
    EXPECT_EQ(r.status, UpdateStatus::Completed);
    EXPECT_THAT(r.warnings, Not(Contains(HasSubstr("pages of"))));
    EXPECT_TRUE(has_phase(r, Phase::Fetch));
    EXPECT_EQ(r.ram_bytes_left, 0u);
    EXPECT_FALSE(candidate().userfault.armed);
}

TEST_P(Fetching, WhatIsTouchedComesWhileTheRestTakesItsTime) {
    slowly();
    std::vector<std::byte> seen;
    over_there([&] {
        for (const std::uint64_t page : {300, 600, 3, 4})
            seen.push_back(candidate().userfault.touch(1, page));
        sys::signal_event(gate_.get());
    });
    // The rest goes by requests, too.
    auto rest = std::async(std::launch::async, [this] {
        (void)Waiter{}.until(gate_.get(), POLLIN).ok();
        const auto now = [this] { return candidate().incoming->record(); };
        const Waiter patience{Deadline::in(std::chrono::seconds(10))}; // the guest runs, and then
        while (now().status != UpdateStatus::PostcopyActive && patience.nap(1))
            continue;
        EXPECT_EQ(now().status, UpdateStatus::PostcopyActive);
        EXPECT_GT(now().ram_bytes_left, kLarge / 2);
        for (std::uint32_t block = 0; block < 2; ++block)
            for (std::uint64_t page = 0; page < dirty_log_.pages[block]; ++page)
                (void)candidate().userfault.touch(block, page);
    });
    const report::UpdateRecord r = update();
    rest.get();
    guest_thread_.join();
    expect_moved(r);
    EXPECT_EQ(seen,
              (std::vector<std::byte>{std::byte{51}, std::byte{101}, std::byte{4}, std::byte{0}}));
    ASSERT_TRUE(candidate().record.faults);
    EXPECT_GT(candidate().record.faults->faults, 4u);
    EXPECT_GT(candidate().record.faults->p99.count(), 0);
}

// The state is on its way, and needs a page.
TEST_P(Fetching, TheLoadingMayTouchRam) {
    slowly();
    std::byte seen{};
    script_.on("new machine load", [&]() -> Status {
        seen = candidate().userfault.touch(1, 30);
        return {};
    });
    over_there([this] {
        for (std::uint32_t block = 0; block < 2; ++block)
            for (std::uint64_t page = 0; page < dirty_log_.pages[block]; ++page)
                (void)candidate().userfault.touch(block, page);
    });
    expect_moved(update());
    EXPECT_EQ(seen, std::byte{31});
}

// The loading has met zeros, so nobody may run what was loaded.
TEST_P(Fetching, WhereAPageCannotBeHadBeforeTheCommitTheGuestStaysHere) {
    slowly();
    script_.on("new machine load", [&]() -> Status {
        script_.fail("new userfault read");
        EXPECT_EQ(candidate().userfault.touch(1, 30), std::byte{0});
        return {};
    });
    const report::UpdateRecord r = update();
    expect_unharmed(r, "");
    EXPECT_THAT(r.error->what(), HasSubstr("RAM that the guest needs could not be had"));
    EXPECT_EQ(script_.count("new vcpus run"), 0);
}

TEST_P(Fetching, WhereAllFitsIntoThePauseNothingIsFetched) {
    set("max_rounds", "3");
    expect_moved(update());
    EXPECT_EQ(differing(), 0u);
    EXPECT_EQ(script_.count("new userfault arm"), 0);
    EXPECT_EQ(candidate().record.faults->faults, 0u);
}

TEST_P(Fetching, AGuestThatIsToGoNowGoes) {
    set("max_rounds", "1000");
    set("bandwidth", "1");
    report_.at = Phase::Copy;
    Outgoing* asked = nullptr;
    report_.act = [&] {
        asked = outgoing_;
        EXPECT_TRUE(asked->switch_now());
    };
    const std::vector<std::byte> before(at(0), at(0) + kLarge);
    expect_moved(update());
    EXPECT_EQ(std::memcmp(candidate().inventory.blocks()[1].base(), before.data(), kLarge), 0);
    EXPECT_EQ(script_.count("new userfault arm"), 1);
}

TEST_P(Fetching, OneThatWritesTooFastGoesByItself) {
    set("max_rounds", "1000");
    set("bandwidth", "1");
    set("switch_after", "10ms");
    const std::vector<std::byte> before(at(0), at(0) + kLarge);
    expect_moved(update());
    EXPECT_EQ(std::memcmp(candidate().inventory.blocks()[1].base(), before.data(), kLarge), 0);
}

// The old side may not resume it, and does not wait for ever.
TEST_P(Fetching, ANewSideThatDiesMeanwhileTakesTheGuestAlong) {
    slowly();
    over_there([this] { (void)candidate().die().code(); });
    (void)update();
    guest_thread_.join();
    EXPECT_FALSE(vcpus_.running);
    EXPECT_EQ(run_.state(), report::RunState::Postmigrate);
    EXPECT_EQ(code_, Code::Ok) << "it was committed";
}

TEST_P(Fetching, ThatTheHostCannotIsKnownBeforeTheGuestNotices) {
    script_.fail("new userfault check");
    expect_unharmed(update(), "prepare");
    EXPECT_EQ(script_.count("new machine build"), 0);
    EXPECT_EQ(script_.count("old dirty-log start"), 0);
}

TEST_P(Fetching, PagesThatAreLongToWaitForAreWarnedOf) {
    inventory_.blocks()[1].page_shift = 30;
    EXPECT_THAT(update().warnings, Contains(HasSubstr("RAM block 'ram1' has pages of 1G")));
}

TEST_P(Fetching, ABlockThatCannotLeavesTheGuestHere) {
    for (const char* verb : {"new userfault begin", "new userfault discard", "new userfault arm"}) {
        SCOPED_TRACE(verb);
        script_.clear();
        script_.fail(verb);
        expect_unharmed(update(), "");
    }
}

TEST_P(Fetching, ACancelOfTheRoundsLeavesItHere) {
    set("max_rounds", "1000");
    set("bandwidth", "1");
    report_.at = Phase::Copy;
    report_.act = [this] { sys::signal_event(cancel_.get()); };
    const report::UpdateRecord r = update();
    expect_unharmed(r, "copy");
    EXPECT_EQ(r.status, UpdateStatus::Cancelled);
}

INSTANTIATE_TEST_SUITE_P(Channels, Fetching, testing::Values("1", "3"));

} // namespace
} // namespace segue::update
