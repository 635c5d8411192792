// SPDX-License-Identifier: Apache-2.0
#include "core/observer/tracker.hpp"

#include <gtest/gtest.h>

namespace segue::observer {
namespace {

using namespace std::chrono_literals;

// Polls of 1 us each, from time 0 on, but where told otherwise.
class TrackerTest : public testing::Test {
protected:
    void poll(std::uint64_t a, std::uint64_t b, Time takes = 1us) {
        const std::uint64_t counters[] = {a, b};
        tracker_.poll(now_, now_ + takes, counters);
        now_ += takes;
    }
    // Both move in each poll.
    void run(int polls) {
        for (; polls > 0; polls--, a_++, b_++)
            poll(a_, b_);
    }

    Tracker tracker_{2};
    Time now_{0};
    std::uint64_t a_ = 1, b_ = 1;
};

TEST_F(TrackerTest, NothingStandsStillWhereEachPollSeesAnotherValue) {
    run(100);
    const Measurement m = tracker_.measured();
    EXPECT_EQ(m.polls, 100u);
    EXPECT_EQ(m.blackout.length, 0ns);
    EXPECT_EQ(m.blackout.at_most, 3us) << "from one poll's begin to the end of the next but one";
    EXPECT_EQ(m.vcpus[0].longest.length, 0ns);
    EXPECT_EQ(m.own.length, 1us);
    EXPECT_EQ(m.end, 100us);
}

TEST_F(TrackerTest, OneVcpuStandsStillAndTheOtherGoesOn) {
    run(10);
    for (int i = 0; i < 20; i++)
        poll(a_, b_++); // a's value is first seen by the read of 10 us to 11 us
    a_++;
    run(10);
    const Measurement m = tracker_.measured();
    EXPECT_EQ(m.vcpus[0].longest.begin, 11us);
    EXPECT_EQ(m.vcpus[0].longest.end, 29us);
    EXPECT_EQ(m.vcpus[0].longest.length, 18us);
    EXPECT_EQ(m.vcpus[0].longest.at_most, 22us); // from the read at 9 us to that ended at 31 us
    EXPECT_EQ(m.vcpus[1].longest.length, 0ns);
    EXPECT_EQ(m.blackout.length, 0ns);
}

TEST_F(TrackerTest, BlackoutIsWhereAllStandStillAtOnce) {
    run(10);
    for (int i = 0; i < 20; i++)
        poll(a_, b_++);
    for (int i = 0; i < 8; i++)
        poll(a_, b_);
    a_++;
    for (int i = 0; i < 20; i++)
        poll(a_++, b_);
    const Measurement m = tracker_.measured();
    EXPECT_EQ(m.vcpus[0].longest.length, 26us);
    EXPECT_EQ(m.vcpus[1].longest.length, 26us);
    EXPECT_EQ(m.blackout.length, 6us);
    EXPECT_EQ(m.blackout.begin, 31us);
}

TEST_F(TrackerTest, AStallOfTheObserverIsItsOwn) {
    run(10);
    poll(a_++, b_++, 5ms);
    run(10);
    const Measurement m = tracker_.measured();
    EXPECT_EQ(m.blackout.length, 0ns);
    EXPECT_EQ(m.vcpus[0].longest.length, 0ns);
    EXPECT_EQ(m.blackout.at_most, 5ms + 2us) << "but something may have hidden behind it";
    EXPECT_EQ(m.own.length, 5ms);
    EXPECT_EQ(m.own.begin, 10us);
}

TEST_F(TrackerTest, AStallWithinAReadProvesNothingOfTheValueThatItSaw) {
    run(10);
    poll(a_, b_, 5ms); // preempted before the read proper; the next poll sees the same values
    poll(a_, b_);
    a_++, b_++;
    run(10);
    const Measurement m = tracker_.measured();
    EXPECT_EQ(m.blackout.length, 0ns);
    EXPECT_GE(m.own.length, 5ms);
}

TEST_F(TrackerTest, AGuestThatStandsStillAllThroughAStallOfTheObserverIsSeen) {
    run(10);
    poll(a_, b_);
    poll(a_, b_, 5ms);
    poll(a_, b_);
    a_++, b_++;
    run(10);
    const Measurement m = tracker_.measured();
    EXPECT_EQ(m.blackout.length, 5ms);
    EXPECT_EQ(m.own.length, 5ms);
}

TEST_F(TrackerTest, WhatStillStandsStillCounts) {
    run(10);
    for (int i = 0; i < 20; i++)
        poll(a_, b_);
    EXPECT_EQ(tracker_.measured().blackout.length, 18us);
}

TEST_F(TrackerTest, AStandStillOverARestartKeepsItsLength) {
    run(10);
    for (int i = 0; i < 20; i++)
        poll(a_, b_);
    tracker_.restart();
    poll(a_, b_);
    poll(++a_, ++b_);
    const Measurement m = tracker_.measured();
    EXPECT_EQ(m.begin, 30us);
    EXPECT_EQ(m.polls, 2u);
    EXPECT_EQ(m.blackout.length, 19us);
    tracker_.restart();
    a_++, b_++;
    run(5);
    EXPECT_EQ(tracker_.measured().blackout.length, 0ns);
}

TEST_F(TrackerTest, ACounterThatGoesBackwardIsCounted) {
    run(10);
    poll(3, b_++);
    poll(4, b_++);
    const Measurement m = tracker_.measured();
    EXPECT_EQ(m.vcpus[0].backward, 1u);
    EXPECT_EQ(m.vcpus[0].counter, 4u);
    EXPECT_EQ(m.vcpus[1].backward, 0u);
}

} // namespace
} // namespace segue::observer
