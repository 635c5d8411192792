// SPDX-License-Identifier: Apache-2.0
// precopy_test.cpp - a guest's RAM is copied to a new VMM while it runs, over each kind of memory
// and channel; what it must not lose, and when it stays where it is.
#include <future>

#include "tests/integration/copying_test.hpp"

namespace segue::integration {
namespace {

using testing::HasSubstr;

class Precopy : public CopyingTest {
protected:
    static test::GuestSpec spec(const std::string& options = "") {
        test::GuestSpec s = spec_for("precopy");
        s.modes = {"precopy", "cpr-transfer"};
        s.vcpus = 2;
        s.mode_options = options;
        return s;
    }
    // By precopy to another RAM, then in place.
    void expect_moves() {
        ASSERT_NO_FATAL_FAILURE(expect_other_ram());
        expect_same_ram();
    }
};

TEST_F(Precopy, MovesAGuestInAMemfdAgainAndAgain) {
    boot(spec());
    for (int i = 0; i < 3; ++i)
        expect_moves();
}

TEST_F(Precopy, IsCalledNormalAsWell) {
    test::GuestSpec s = spec();
    s.modes = {"cpr-transfer", "normal"};
    s.mode_options = "";
    s.set = {"update.options.precopy.converge=switch"};
    boot(s);
    ASSERT_NO_FATAL_FAILURE(move({"normal", "", ""}));
    expect_unharmed();
    EXPECT_EQ(journal().mode, "precopy");
    ASSERT_NO_FATAL_FAILURE(move({"precopy", "", ""}));
}

TEST_F(Precopy, WithRingsThatAreSoonFull) {
    test::GuestSpec s = spec("channels = 2");
    s.set = {"update.dirty_ring_size=1024"};
    boot(s);
    for (int i = 0; i < 3; ++i)
        expect_moves();
}

TEST_F(Precopy, OverSeveralChannels) {
    boot(spec("channels = 3"));
    expect_moves();
}

TEST_F(Precopy, OverTcp) {
    test::GuestSpec s = spec("channels = 2");
    s.data = "transport = 'tcp', options = { address = '127.0.0.1:" +
             std::to_string(20000 + ::getpid() % 10000) + "' }";
    boot(s);
    expect_moves();
}

// Nobody can see its memory before.
TEST_F(Precopy, PrivateMemoryBecomesSharedWhereTheNewConfigurationSaysSo) {
    test::GuestSpec s = spec();
    s.backend = "private";
    boot(s);
    control::UpdateRequest request;
    request.config = guest_->write_config("next.toml", spec());
    ASSERT_NO_FATAL_FAILURE(move(request));
    expect_unharmed();
    EXPECT_EQ(vm_.ram.at(0).backend, "memfd");
    ASSERT_NO_FATAL_FAILURE(move({"cpr-transfer", "", request.config}));
    expect_unharmed();
}

TEST_F(Precopy, WhatTheGuestHasNotTouchedTakesNoMemory) {
    test::GuestSpec s = spec();
    s.mib = 2048;
    boot(s);
    const auto before = ram_taken();
    EXPECT_LT(before, 64);
    ASSERT_NO_FATAL_FAILURE(move());
    expect_unharmed();
    EXPECT_LT(ram_taken(), before + 4);
}

TEST_F(Precopy, AGuestThatWritesTooFastStays) {
    boot(spec("downtime_limit = '1us', max_rounds = 2"));
    const control::VmInfo before = vm_;
    const report::UpdateRecord r = update();
    ASSERT_EQ(r.status, report::UpdateStatus::Failed);
    EXPECT_THAT(r.error->what(), HasSubstr("the guest writes its RAM too fast: after 2 rounds"));
    EXPECT_THAT(r.error->way_out(), HasSubstr("downtime_limit"));
    EXPECT_EQ(r.error->detail("phase"), "copy");
    EXPECT_EQ(vm_.pid, before.pid);
    expect_unharmed();
}

TEST_F(Precopy, OrIsThrottledBefore) {
    boot(spec("downtime_limit = '1us', max_rounds = 3, bandwidth = '8M', converge = 'throttle'"));
    const report::UpdateRecord r = update();
    ASSERT_EQ(r.status, report::UpdateStatus::Failed);
    ASSERT_TRUE(r.copy);
    EXPECT_EQ(r.copy->rounds, 3u);
    EXPECT_GE(r.copy->throttle, 20u);
    EXPECT_GT(r.copy->rate, 0u);
    EXPECT_THAT(guest_->log(), HasSubstr("its vCPUs are throttled by 20 %"));
    expect_unharmed();
}

TEST_F(Precopy, OrGoesAllTheSameWhereThatIsAskedFor) {
    boot(spec("downtime_limit = '1us', max_rounds = 1, converge = 'switch'"));
    ASSERT_NO_FATAL_FAILURE(move());
    expect_unharmed();
    EXPECT_THAT(guest_->log(), HasSubstr("it is switched over all the same"));
}

// What it has touched, at 64 KiB a second, would take minutes.
TEST_F(Precopy, ACancelInTheCopyEndsItAtOnce) {
    boot(spec("channels = 2, bandwidth = '64K'"));
    const control::VmInfo before = vm_;
    const auto started = guest_->client().start_update({});
    ASSERT_TRUE(started) << started.error().what();
    ASSERT_TRUE(comes_true([&] {
        const auto r = guest_->client().update(started->id);
        return r && !r->phases.empty() && r->phases.back().phase == report::Phase::Copy;
    }));
    EXPECT_TRUE(guest_->page().counts(patience()));
    const Status cancelled = guest_->client().cancel_update();
    EXPECT_TRUE(cancelled) << cancelled.error().what();
    EXPECT_EQ(vm().pid, before.pid);
    expect_unharmed();
    EXPECT_EQ(journal().status, report::UpdateStatus::Cancelled);
}

TEST_F(Precopy, ARehearsalCopiesEverythingAndTheGuestStays) {
    boot(spec("channels = 2"));
    control::UpdateRequest request;
    request.rehearse = true;
    const control::VmInfo before = vm_;
    const report::UpdateRecord r = update(request);
    ASSERT_EQ(r.status, report::UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    EXPECT_EQ(vm_.pid, before.pid);
    expect_unharmed();
    expect_moves();
}

TEST_F(Precopy, RamInAFileIsRefusedByName) {
    test::GuestSpec s = spec();
    s.backend = "file";
    boot(s);
    const report::UpdateRecord r = update();
    ASSERT_EQ(r.status, report::UpdateStatus::Failed);
    EXPECT_THAT(r.error->what(), HasSubstr("RAM block 'ram0' (memory/file) lies where a new VMM"));
    EXPECT_EQ(r.error->detail("phase"), "preflight");
    expect_unharmed();
}

TEST_F(Precopy, OtherChannelsOnTheNewSideAreRefused) {
    boot(spec("channels = 2"));
    control::UpdateRequest request;
    request.config = guest_->write_config("next.toml", spec("channels = 3"));
    const report::UpdateRecord r = update(request);
    ASSERT_EQ(r.status, report::UpdateStatus::Failed);
    EXPECT_THAT(r.error->what(), HasSubstr("data 2 there, and cpr 1, main 1, data 3 here"));
    EXPECT_EQ(r.error->detail("phase"), "prepare");
    expect_unharmed();
}

} // namespace
} // namespace segue::integration
