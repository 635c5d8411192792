// SPDX-License-Identifier: Apache-2.0
// postcopy_hosts_test.cpp - a guest is on another host before its RAM is: what becomes of it when
// the cable is cut meanwhile, and mended, and cut again.
#include <gmock/gmock.h>

#include "tests/fault/postcopy_hosts_test.hpp"

namespace segue::fault {
namespace {

using testing::HasSubstr;

TEST_F(PostcopyHosts, AGuestGoesAndItsRamFollows) {
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_NO_FATAL_FAILURE(await_end(b_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_runs(b_));
    ASSERT_TRUE(written(b_).faults);
    EXPECT_GT(written(b_).faults->faults, 0u);
}

// What was copied before and written since is thrown away over there: locked or not.
class PostcopyHostsLocked : public PostcopyHosts {
protected:
    PostcopyHostsLocked()
        : PostcopyHosts([] {
            test::GuestSpec s = postcopy_spec("max_rounds = 1, downtime_limit = '1us'");
            s.memory = "lock = true\n";
            return s;
        }()) {}
};

TEST_F(PostcopyHostsLocked, AGuestGoesAndItsRamFollows) {
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_NO_FATAL_FAILURE(await_end(b_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_runs(b_));
    EXPECT_GT(written(b_).faults->faults, 0u);
}

TEST_F(PostcopyHosts, ACutCableEndsNothing) {
    ASSERT_NO_FATAL_FAILURE(begin_slowly());
    EXPECT_EQ(b_.client().recover("tcp:" + Cable::address(Host::B) + ":4445").code(), Code::Refused)
        << "nothing is lost";
    ASSERT_NO_FATAL_FAILURE(cut_until_paused());
    EXPECT_EQ(state(a_), RunState::Postmigrate);
    const Status cancelled = a_.client().cancel_update(); // which would give up the guest's RAM
    EXPECT_EQ(cancelled.code(), Code::Refused);
    EXPECT_THAT(cancelled.error().way_out(), HasSubstr("segue recover"));
    EXPECT_THAT(b_.client().update(id_)->warnings, testing::Contains(HasSubstr("segue recover")));
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(recover());
    ASSERT_NO_FATAL_FAILURE(expect_completes());
}

TEST_F(PostcopyHosts, AGuestThatWaitsForAPageGoesOnOnceItIsRecovered) {
    ASSERT_NO_FATAL_FAILURE(begin_slowly());
    ASSERT_NO_FATAL_FAILURE(cut_until_paused());
    ASSERT_TRUE(b_.client().resume()); // its vCPUs wait from now on
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(recover("tcp:" + Cable::address(Host::B) + ":4445"));
    ASSERT_NO_FATAL_FAILURE(expect_completes());
}

TEST_F(PostcopyHosts, CutAgainItIsRecoveredAgain) {
    ASSERT_NO_FATAL_FAILURE(begin_slowly());
    for (int time = 0; time < 2; ++time) {
        ASSERT_NO_FATAL_FAILURE(cut_until_paused());
        cable_->mend();
        ASSERT_NO_FATAL_FAILURE(recover());
        ASSERT_TRUE(comes_to(b_, UpdateStatus::PostcopyActive));
        ASSERT_TRUE(comes_to(a_, UpdateStatus::PostcopyActive));
    }
    ASSERT_NO_FATAL_FAILURE(expect_completes());
}

TEST_F(PostcopyHosts, AnAddressWhereNobodyListensIsReplaced) {
    ASSERT_NO_FATAL_FAILURE(begin_slowly());
    ASSERT_NO_FATAL_FAILURE(cut_until_paused());
    cable_->mend();
    ASSERT_TRUE(a_.client().recover("tcp:" + Cable::address(Host::B) + ":4499"));
    ASSERT_TRUE(comes_to(a_, UpdateStatus::PostcopyRecover));
    ASSERT_NO_FATAL_FAILURE(recover());
    ASSERT_NO_FATAL_FAILURE(expect_completes());
}

// The old host gives up by itself where the other one does not come, and waits again; the new one
// listens until somebody names another address.
TEST_F(PostcopyHosts, ARecoveryThatTheOldHostAloneIsAskedForEnds) {
    ASSERT_NO_FATAL_FAILURE(begin_slowly());
    ASSERT_NO_FATAL_FAILURE(cut_until_paused());
    cable_->mend();
    ASSERT_TRUE(a_.client().recover("tcp:" + Cable::address(Host::B) + ":4499"));
    ASSERT_TRUE(comes_to(a_, UpdateStatus::PostcopyRecover));
    ASSERT_TRUE(comes_to(a_, UpdateStatus::PostcopyPaused));
    ASSERT_NO_FATAL_FAILURE(recover());
    ASSERT_NO_FATAL_FAILURE(expect_completes());
}

TEST_F(PostcopyHosts, AHostThatTriesInVainIsGivenUpByAnOperator) {
    ASSERT_NO_FATAL_FAILURE(begin_slowly());
    kill(b_);
    ASSERT_TRUE(comes_to(a_, UpdateStatus::PostcopyPaused));
    ASSERT_TRUE(a_.client().recover("tcp:" + Cable::address(Host::B) + ":4499"));
    ASSERT_TRUE(comes_to(a_, UpdateStatus::PostcopyRecover));
    ASSERT_TRUE(a_.client().quit());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    EXPECT_TRUE(comes_true([&] { return gone(a_); }));
}

// Over there nobody can know that it is no cut cable.
TEST_F(PostcopyHosts, AnOldHostThatIsGoneLeavesAGuestThatWaits) {
    ASSERT_NO_FATAL_FAILURE(begin_slowly());
    kill(a_);
    ASSERT_TRUE(comes_to(b_, UpdateStatus::PostcopyPaused));
    ASSERT_TRUE(b_.client().resume()); // and waits for ever
    ASSERT_TRUE(b_.client().quit());
    EXPECT_TRUE(comes_true([&] { return gone(b_); }));
}

TEST_F(PostcopyHosts, ANewHostThatIsGoneIsGivenUpByAnOperator) {
    ASSERT_NO_FATAL_FAILURE(begin_slowly());
    kill(b_);
    ASSERT_TRUE(comes_to(a_, UpdateStatus::PostcopyPaused));
    ASSERT_TRUE(a_.client().quit());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    EXPECT_TRUE(comes_true([&] { return gone(a_); }));
}

} // namespace
} // namespace segue::fault
