// SPDX-License-Identifier: Apache-2.0
// What is told of the times that a guest waited for pages.
#include "core/report/fault_times.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace segue::report {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

TEST(FaultTimes, OfNoFaultsIsNothing) {
    const FaultTimes t = FaultClock().times({});
    EXPECT_EQ(t.faults, 0u);
    EXPECT_TRUE(t.histogram_us.empty());
    EXPECT_TRUE(t.threads.empty());
}

TEST(FaultTimes, SumsByThreadAndInAll) {
    FaultClock clock;
    clock.add(7, microseconds(10));
    clock.add(7, microseconds(30));
    clock.add(8, microseconds(20));
    const FaultTimes t = clock.times({{7, "vcpu0"}});
    EXPECT_EQ(t.faults, 3u);
    EXPECT_EQ(t.blocked, microseconds(60));
    EXPECT_EQ(t.mean, microseconds(20));
    ASSERT_EQ(t.threads.size(), 2u);
    EXPECT_EQ(t.threads[0].name, "8") << "nobody knows its name";
    EXPECT_EQ(t.threads[0].faults, 1u);
    EXPECT_EQ(t.threads[1].name, "vcpu0");
    EXPECT_EQ(t.threads[1].blocked, microseconds(40));
    EXPECT_EQ(clock.times({{7, "kernel"}, {8, "kernel"}}).threads.at(0).faults, 3u);
}

TEST(FaultTimes, PercentilesAreWithinASixteenth) {
    FaultClock clock;
    for (int us = 1; us <= 1000; ++us)
        clock.add(1, microseconds(us));
    const FaultTimes t = clock.times({});
    EXPECT_NEAR(static_cast<double>(t.p50.count()), 500e3, 500e3 / 16);
    EXPECT_NEAR(static_cast<double>(t.p99.count()), 990e3, 990e3 / 16);
}

TEST(FaultTimes, TheHistogramIsByPowersOfTwo) {
    FaultClock clock;
    for (const int us : {0, 1, 2, 3, 4, 7, 8})
        clock.add(1, nanoseconds(us * 1000 + 999));
    EXPECT_EQ(clock.times({}).histogram_us, (std::vector<std::uint64_t>{1, 1, 2, 2, 1}));
}

} // namespace
} // namespace segue::report
