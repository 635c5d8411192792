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

TEST_F(RunControlTest, ARestartThatFailsLeavesItPaused) {
    EXPECT_FALSE(run_.restart([] { return Error(Code::Io, "no"); }));
    EXPECT_EQ(run_.state(), RunState::Paused);
    EXPECT_TRUE(run_.restart([] { return Status(); }));
    EXPECT_EQ(run_.state(), RunState::Running);
}

} // namespace
} // namespace segue::update
