// SPDX-License-Identifier: Apache-2.0
#include "core/update/run_control.hpp"

#include <gtest/gtest.h>

#include "core/update/fake_ports_test.hpp"

namespace segue::update {
namespace {

using report::RunState;

class RunControlTest : public testing::Test {
protected:
    RunControlTest() {
        run_.attach(vcpus_, devices_);
        run_.start();
    }
    // As the guest's own write to its sleep register: the vCPUs stand still, the event has been
    // told.
    void fall_asleep() {
        script_.on("the vcpus stop", [this]() -> Status {
            vcpus_.running = false;
            return Error(Code::Refused, "the guest is not running: suspend")
                .with("event", "suspend");
        });
    }
    void suspend() {
        fall_asleep();
        ASSERT_TRUE(run_.suspend());
    }
    Status wake() {
        return run_.wake([this] {
            script_.clear(); // forgets the event, and what was logged
            return Status();
        });
    }
    const Deadline limit_ = Deadline::in(std::chrono::seconds(10));
    Script script_;
    FakeVcpus vcpus_{script_, "the"};
    FakeDevices devices_{script_, "the"};
    RunControl run_{RunState::Inmigrate};
};

TEST_F(RunControlTest, PausesAndResumesByHand) {
    ASSERT_TRUE(run_.pause());
    ASSERT_TRUE(run_.pause()) << "already";
    EXPECT_EQ(run_.state(), RunState::Paused);
    EXPECT_FALSE(vcpus_.running || devices_.working);
    ASSERT_TRUE(run_.resume());
    EXPECT_EQ(run_.state(), RunState::Running);
    EXPECT_TRUE(vcpus_.running && devices_.working);
    EXPECT_EQ(script_.count("the vcpus stop"), 1);
}

TEST_F(RunControlTest, StandsStillForAMomentThatNobodySees) {
    const auto still = [this]() -> Status {
        EXPECT_FALSE(vcpus_.running || devices_.working);
        return {};
    };
    ASSERT_TRUE(run_.while_still(limit_, limit_, still));
    EXPECT_EQ(run_.state(), RunState::Running);
    EXPECT_TRUE(vcpus_.running && devices_.working);
    const auto fails = [] { return Error(Code::Refused, "not that"); };
    EXPECT_EQ(run_.while_still(limit_, limit_, fails).code(), Code::Refused);
    EXPECT_TRUE(vcpus_.running && devices_.working) << "whatever that answers";
    ASSERT_TRUE(run_.pause());
    ASSERT_TRUE(run_.while_still(limit_, limit_, still));
    EXPECT_EQ(run_.state(), RunState::Paused);
    EXPECT_FALSE(vcpus_.running || devices_.working) << "it stays as it is";
}

TEST_F(RunControlTest, AMomentInWhichItFallsAsleepEndsSo) {
    fall_asleep();
    ASSERT_TRUE(run_.while_still(limit_, limit_, [] { return Status(); }));
    EXPECT_EQ(run_.state(), RunState::Suspended);
    EXPECT_FALSE(vcpus_.running || devices_.working);
}

TEST_F(RunControlTest, APauseThatFailsHalfwayIsUndone) {
    script_.fail("the devices quiesce");
    EXPECT_EQ(run_.pause().code(), Code::Refused);
    EXPECT_EQ(run_.state(), RunState::Running);
    EXPECT_TRUE(vcpus_.running && devices_.working);
}

TEST_F(RunControlTest, AnUpdateHoldsTheGuest) {
    ASSERT_TRUE(run_.begin());
    EXPECT_EQ(run_.begin().code(), Code::Exists);
    EXPECT_EQ(run_.pause().code(), Code::Exists);
    EXPECT_EQ(run_.resume().code(), Code::Exists);
    EXPECT_EQ(run_.restart([] { return Status(); }).code(), Code::Exists);
    run_.finish();
    EXPECT_TRUE(run_.begin());
}

TEST_F(RunControlTest, AStopIsTakenBackOnce) {
    ASSERT_TRUE(run_.stop(limit_));
    EXPECT_EQ(run_.state(), RunState::FinishMigrate);
    EXPECT_EQ(run_.before(), RunState::Running);
    run_.go_on();
    run_.go_on();
    EXPECT_EQ(run_.state(), RunState::Running);
    EXPECT_EQ(script_.count("the vcpus run"), 2) << "start, and one way back";
}

TEST_F(RunControlTest, ASettledDeviceWorksAgain) {
    ASSERT_TRUE(run_.settle(limit_));
    EXPECT_FALSE(devices_.working);
    run_.go_on();
    EXPECT_TRUE(devices_.working);
    EXPECT_EQ(script_.count("the vcpus run"), 1) << "they never stopped";
}

TEST_F(RunControlTest, APausedGuestStaysPausedThroughAStop) {
    ASSERT_TRUE(run_.pause());
    ASSERT_TRUE(run_.settle(limit_));
    ASSERT_TRUE(run_.stop(limit_));
    EXPECT_EQ(run_.before(), RunState::Paused);
    run_.go_on();
    EXPECT_EQ(run_.state(), RunState::Paused);
    EXPECT_FALSE(vcpus_.running || devices_.working);
}

TEST_F(RunControlTest, WhatIsGoneDoesNotComeBack) {
    ASSERT_TRUE(run_.begin());
    ASSERT_TRUE(run_.stop(limit_));
    run_.gone();
    run_.go_on();
    EXPECT_EQ(run_.state(), RunState::Postmigrate);
    EXPECT_FALSE(vcpus_.running);
    EXPECT_EQ(run_.resume().code(), Code::Exists);
}

TEST_F(RunControlTest, ASuspendedGuestStandsStillUntilItIsWoken) {
    EXPECT_EQ(wake().code(), Code::Refused) << "it is running";
    suspend();
    EXPECT_EQ(run_.state(), RunState::Suspended);
    EXPECT_TRUE(run_.asleep());
    EXPECT_FALSE(vcpus_.running || devices_.working);
    ASSERT_TRUE(run_.resume()) << "of no effect";
    EXPECT_EQ(run_.state(), RunState::Suspended);
    ASSERT_TRUE(wake());
    EXPECT_EQ(run_.state(), RunState::Running);
    EXPECT_FALSE(run_.asleep());
    EXPECT_TRUE(vcpus_.running && devices_.working);
    EXPECT_EQ(wake().code(), Code::Refused) << "once";
}

TEST_F(RunControlTest, AWakeUpThatFailsLeavesItSuspended) {
    suspend();
    EXPECT_EQ(run_.wake([] { return Error(Code::Io, "no"); }).code(), Code::Io);
    EXPECT_EQ(run_.state(), RunState::Suspended);
    EXPECT_TRUE(wake());
}

TEST_F(RunControlTest, PausedASuspendedGuestIsNoLessAsleep) {
    suspend();
    ASSERT_TRUE(run_.pause());
    EXPECT_EQ(run_.state(), RunState::Paused);
    EXPECT_EQ(wake().code(), Code::Refused);
    ASSERT_TRUE(run_.resume());
    EXPECT_EQ(run_.state(), RunState::Suspended);
    EXPECT_FALSE(vcpus_.running || devices_.working);
    EXPECT_TRUE(wake());
}

TEST_F(RunControlTest, APauseFindsThatTheGuestSleepsAlready) {
    fall_asleep();
    ASSERT_TRUE(run_.pause());
    EXPECT_EQ(run_.state(), RunState::Paused);
    ASSERT_TRUE(run_.suspend()) << "the event comes after it";
    EXPECT_EQ(run_.state(), RunState::Paused);
    ASSERT_TRUE(run_.resume());
    EXPECT_EQ(run_.state(), RunState::Suspended);
}

TEST_F(RunControlTest, AnUpdateMovesAGuestThatSleeps) {
    suspend();
    ASSERT_TRUE(run_.begin());
    EXPECT_EQ(wake().code(), Code::Exists);
    ASSERT_TRUE(run_.stop(limit_));
    EXPECT_EQ(run_.before(), RunState::Suspended);
    run_.go_on();
    EXPECT_EQ(run_.state(), RunState::Suspended);
    EXPECT_FALSE(vcpus_.running || devices_.working);
    RunControl next(RunState::Inmigrate);
    next.attach(vcpus_, devices_);
    next.take_over(RunState::Suspended, true);
    EXPECT_EQ(next.state(), RunState::Suspended);
    EXPECT_FALSE(vcpus_.running);
    EXPECT_TRUE(next.wake([] { return Status(); }));
    EXPECT_TRUE(vcpus_.running);
}

TEST_F(RunControlTest, AGuestThatFallsAsleepInAnUpdateGoesOnWithIt) {
    ASSERT_TRUE(run_.begin());
    ASSERT_TRUE(run_.settle(limit_));
    fall_asleep();
    ASSERT_TRUE(run_.stop(limit_)) << "before anybody has heard of it";
    EXPECT_EQ(run_.before(), RunState::Suspended);
    EXPECT_TRUE(run_.asleep());
    ASSERT_TRUE(run_.suspend()) << "the event comes late";
    EXPECT_EQ(run_.state(), RunState::FinishMigrate);
    run_.go_on();
    EXPECT_EQ(run_.state(), RunState::Suspended);
    run_.finish();
    EXPECT_TRUE(wake());
}

TEST_F(RunControlTest, ASleeperIsSettledOnceMoreByTheUpdateThatItCameTo) {
    ASSERT_TRUE(run_.begin());
    ASSERT_TRUE(run_.settle(limit_));
    suspend();
    EXPECT_EQ(run_.state(), RunState::Suspended);
    run_.go_on(); // the update failed before its pause
    EXPECT_FALSE(vcpus_.running || devices_.working);
}

TEST_F(RunControlTest, ARestartThatFailsLeavesItPaused) {
    EXPECT_FALSE(run_.restart([] { return Error(Code::Io, "no"); }));
    EXPECT_EQ(run_.state(), RunState::Paused);
    EXPECT_TRUE(run_.restart([] { return Status(); }));
    EXPECT_EQ(run_.state(), RunState::Running);
}

} // namespace
} // namespace segue::update
