// SPDX-License-Identifier: Apache-2.0
// hosts_test.cpp - a guest goes to another host over a network that delays, loses and breaks: at
// no step of the switch-over are there two that run it.
#include <algorithm>

#include <gmock/gmock.h>

#include "tests/fault/hosts_test.hpp"

namespace segue::fault {
namespace {

TEST_F(Hosts, AGuestGoesToTheOtherHost) {
    EXPECT_NE(boot_of(Host::A), boot_of(Host::B));
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_TRUE(comes_true([&] { return gone(a_); }));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    ASSERT_NO_FATAL_FAILURE(await_end(b_, UpdateStatus::Completed));
    EXPECT_GT(written(b_).blackout.count(), 0);
    EXPECT_EQ(written(a_).switch_over, SwitchOver::Relinquished);
    EXPECT_EQ(b_.client().vm()->generation, 2u);
    EXPECT_EQ(b_.client().resolve(true).code(), Code::Refused);
}

TEST_F(Hosts, OverANetworkThatDelaysAndLoses) {
    cable_->delay(std::chrono::milliseconds(5));
    cable_->lose(1);
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    EXPECT_GT(cable_->lost(), 0u);
}

// Before the guest is given away: it goes on where it is, and who has loaded it hears that.
TEST_F(Hosts, CutBeforeItIsGivenAwayItStays) {
    barriers_->hold("new commit");
    ASSERT_NO_FATAL_FAILURE(begin_until("old commit"));
    ASSERT_TRUE(barriers_->reached("new commit", patience()));
    cable_->cut();
    barriers_->release("new commit");
    barriers_->release("old commit");
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    ASSERT_NO_FATAL_FAILURE(expect_runs(a_));
    ASSERT_NO_FATAL_FAILURE(await_doubt(b_, false));
    resolve(b_, false);
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
    EXPECT_EQ(written(b_).switch_over, SwitchOver::ResolvedThere);
}

// The other host has nothing to run yet, or has not said so: it ends, and nobody is in doubt.
class HostsCutEarly : public Hosts, public testing::WithParamInterface<const char*> {};

TEST_P(HostsCutEarly, ItStaysAndNothingIsLeftThere) {
    ASSERT_NO_FATAL_FAILURE(begin_until(GetParam()));
    cable_->cut();
    barriers_->release(GetParam());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    EXPECT_EQ(written(a_).switch_over, SwitchOver::None);
    EXPECT_NE(written(a_).error->way_out(), "");
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
    EXPECT_EQ(written(b_).switch_over, SwitchOver::None);
    EXPECT_THAT(b_.processes_until({}, patience()), testing::IsEmpty());
    const test::Holdings left = {{"file run/g", 1},
                                 {"file run/g/vmm.log", 1},
                                 {"file state/g", 1},
                                 {"file state/g/journal.jsonl", 1}};
    EXPECT_EQ(test::difference(left, test::files_below(b_ / "", {"run", "state"})), "");
    cable_->mend(); // and it is the old one's for good
    ASSERT_NO_FATAL_FAILURE(expect_runs(a_));
}
INSTANTIATE_TEST_SUITE_P(Fault, HostsCutEarly,
                         testing::Values("new prepare", "old copy", "new copy", "old handover"),
                         [](const auto& edge) {
                             std::string name = edge.param;
                             std::replace(name.begin(), name.end(), ' ', '_');
                             return name;
                         });

// RUN is lost: nobody runs it until both hosts see each other again.
TEST_F(Hosts, CutBeforeRunItIsInDoubtUntilMended) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    cable_->cut();
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    ASSERT_NO_FATAL_FAILURE(await_doubt(b_));
    EXPECT_EQ(a_.client().cancel_update().code(), Code::Refused) << "too late";
    EXPECT_EQ(a_.client().quit().code(), Code::Refused) << "it may run there";
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
}

// One way only: what the other host says still comes, and it says nothing that helps.
TEST_F(Hosts, WithoutTheWayThereRunIsInDoubtUntilMended) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    cable_->cut_from(Host::A);
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    ASSERT_NO_FATAL_FAILURE(await_doubt(b_));
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
}

// RUN came through, RUNNING did not.
TEST_F(Hosts, CutBeforeRunningItIsInDoubtWhereItWasAndRunsThere) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    cable_->cut_from(Host::B);
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    EXPECT_EQ(b_.client().resolve(false).code(), Code::Refused) << "it runs there";
    EXPECT_EQ(state(a_), RunState::Postmigrate);
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
}

TEST_F(Hosts, AnOperatorSaysOnBothSidesThatItIsThere) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    cable_->cut();
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    ASSERT_NO_FATAL_FAILURE(await_doubt(b_));
    resolve(a_, false);
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    EXPECT_EQ(written(a_).switch_over, SwitchOver::ResolvedThere);
    resolve(b_, true);
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    EXPECT_EQ(written(b_).switch_over, SwitchOver::ResolvedHere);
}

TEST_F(Hosts, AnOperatorSaysOnBothSidesThatItIsHere) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    cable_->cut();
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    ASSERT_NO_FATAL_FAILURE(await_doubt(b_));
    resolve(b_, false);
    ASSERT_TRUE(comes_true([&] { return gone(b_); }));
    resolve(a_, true);
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Cancelled));
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
}

TEST_F(Hosts, TheOldVmmIsKilledAfterItGaveTheGuestAway) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    kill(a_);
    ASSERT_NO_FATAL_FAILURE(await_doubt(b_));
    EXPECT_EQ(written(a_).switch_over, SwitchOver::Relinquished) << "durable";
    resolve(b_, true);
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
}

TEST_F(Hosts, TheNewVmmIsKilledBeforeTheGuestIsGivenAway) {
    barriers_->hold("new commit");
    ASSERT_NO_FATAL_FAILURE(begin_until("old commit"));
    ASSERT_TRUE(barriers_->reached("new commit", patience()));
    kill(b_);
    barriers_->release("old commit");
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
}

TEST_F(Hosts, TheNewVmmIsKilledAfterTheGuestIsGivenAway) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    kill(b_);
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    resolve(a_, true);
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Cancelled));
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
}

// Its kernel answers for it: no connection breaks.
TEST_F(Hosts, TheNewVmmFreezesAfterTheGuestIsGivenAway) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    freeze(b_);
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    thaw(b_);
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
}

// What it has heard of the update leads nowhere any more.
TEST_F(Hosts, TheOldVmmIsKilledBeforeItsConnectionsAreThere) {
    ASSERT_NO_FATAL_FAILURE(begin_until("new prepare")); // it has said hello
    kill(a_);
    barriers_->release("new prepare");
    EXPECT_TRUE(comes_true([&] { return gone(b_); })) << "the other VMM waits for ever";
}

// An operator is wrong, and is told so.
TEST_F(Hosts, BothRunItWhereAnOperatorSaysSo) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    cable_->cut_from(Host::B);
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    ASSERT_NO_FATAL_FAILURE(expect_runs(b_));
    cable_->cut();
    resolve(a_, true);
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Cancelled));
    EXPECT_THAT(written(a_).warnings,
                testing::Contains(testing::HasSubstr("runs the guest as well")));
}

class HostsInAHurry : public Hosts {
protected:
    HostsInAHurry()
        : HostsInAHurry(hurried("memfd")) {}
    explicit HostsInAHurry(const test::GuestSpec& new_host)
        : Hosts(hurried("memfd"), new_host, "tcp") {}
    static test::GuestSpec hurried(const std::string& backend) {
        test::GuestSpec s = spec();
        s.handover = "3s";
        s.backend = backend;
        return s;
    }
};

TEST_F(HostsInAHurry, TheNewVmmFreezesBeforeTheGuestIsGivenAway) {
    barriers_->hold("new commit");
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_TRUE(barriers_->reached("new commit", patience()));
    freeze(b_);
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    ASSERT_NO_FATAL_FAILURE(expect_runs(a_));
    barriers_->release("new commit");
    thaw(b_);
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
}

TEST_F(HostsInAHurry, TheOldVmmFreezesBeforeItGivesTheGuestAway) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old commit"));
    freeze(a_);
    barriers_->release("old commit");
    std::this_thread::sleep_for(std::chrono::seconds(4));
    EXPECT_EQ(state(b_), RunState::Inmigrate) << "nobody told it to run the guest";
    thaw(a_);
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
}

// Its RAM would lie in a file there, which is nobody's then.
class HostsWithAFile : public HostsInAHurry {
protected:
    HostsWithAFile()
        : HostsInAHurry(hurried("file")) {}
    bool there_is_a_file() const { return ::access((b_ / "ram0").c_str(), F_OK) == 0; }
};

TEST_F(HostsWithAFile, AnUpdateThatFailsLeavesNone) {
    barriers_->hold("new commit");
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_TRUE(barriers_->reached("new commit", patience()));
    EXPECT_TRUE(there_is_a_file());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    barriers_->release("new commit");
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
    EXPECT_FALSE(there_is_a_file());
}

TEST_F(Hosts, WhatLeadsNowhereIsRefused) {
    control::UpdateRequest request;
    request.channel = "exec:true";
    const auto verdict = a_.client().preflight(request);
    ASSERT_TRUE(verdict);
    ASSERT_FALSE(verdict->blockers.empty());
    EXPECT_FALSE(verdict->blockers.front().way_out().empty());
}

} // namespace
} // namespace segue::fault
