// SPDX-License-Identifier: Apache-2.0
#include "core/update/round_meter.hpp"

#include <gtest/gtest.h>

namespace segue::update {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kMiB = 1u << 20;

struct RoundMeterTest : testing::Test {
    void look(std::uint64_t left, Sent sent) { meter.look(left, sent, p); }
    RoundMeter meter;
    report::CopyProgress p;
};

TEST_F(RoundMeterTest, TheFirstLookBeginsARound) {
    look(64 * kMiB, {});
    EXPECT_EQ(p.rounds, 0u);
    EXPECT_EQ(p.left, 64 * kMiB);
    EXPECT_EQ(p.rate, 0u);
    EXPECT_EQ(p.expected, milliseconds(0)) << "nobody knows yet";
}

TEST_F(RoundMeterTest, TheRateIsOfTheLastRoundAndOfAllChannels) {
    look(64 * kMiB, {});
    look(8 * kMiB, {64 * kMiB, milliseconds(500), 1});
    EXPECT_EQ(p.rounds, 1u);
    EXPECT_EQ(p.rate, 128 * kMiB);
    EXPECT_EQ(p.expected, milliseconds(62) + std::chrono::microseconds(500));
    look(2 * kMiB, {72 * kMiB, milliseconds(700), 2}); // each was busy for 100 ms of them
    EXPECT_EQ(p.rounds, 2u);
    EXPECT_EQ(p.rate, 80 * kMiB);
    EXPECT_EQ(p.expected, milliseconds(25));
}

TEST_F(RoundMeterTest, ARoundOfNearlyNothingLeavesTheRateAlone) {
    look(64 * kMiB, {});
    look(kMiB, {64 * kMiB, milliseconds(500), 1});
    look(0, {64 * kMiB + 4096, milliseconds(600), 1});
    EXPECT_EQ(p.rounds, 2u);
    EXPECT_EQ(p.rate, 128 * kMiB);
    EXPECT_EQ(p.expected, milliseconds(0));
}

} // namespace
} // namespace segue::update
