// SPDX-License-Identifier: Apache-2.0
#include "plugins/modes/page-flip/pace.hpp"

#include <gtest/gtest.h>

namespace page_flip {
namespace {

using namespace std::chrono_literals;

// A host on which each stop costs `fixed` and each MiB `mib`.
std::chrono::microseconds stop_of(std::uint64_t bytes, std::chrono::microseconds fixed,
                                  std::chrono::microseconds mib) {
    return fixed + mib * static_cast<long>(bytes >> 20);
}

TEST(Pace, GrowsToWhatFits) {
    Pace pace(5ms);
    EXPECT_EQ(pace.next(), Pace::kLeast);
    for (int i = 0; i < 20; ++i)
        pace.took(pace.next(), stop_of(pace.next(), 200us, 600us));
    EXPECT_GT(pace.next(), 6u << 20);
    EXPECT_LE(stop_of(pace.next(), 200us, 600us), 5ms);
    EXPECT_LE(pace.longest(), 6ms);
}

TEST(Pace, ShrinksAtOnceWhereTheHostGetsSlower) {
    Pace pace(5ms);
    for (int i = 0; i < 20; ++i)
        pace.took(pace.next(), stop_of(pace.next(), 200us, 300us));
    const std::uint64_t before = pace.next();
    pace.took(before, stop_of(before, 200us, 1200us));
    EXPECT_LT(pace.next(), before / 2);
    EXPECT_GT(pace.longest(), 10ms);
}

TEST(Pace, IsBounded) {
    Pace fast(1s), slow(100us), still(100us);
    for (int i = 0; i < 50; ++i) {
        fast.took(fast.next(), 100us);
        slow.took(slow.next(), 50ms);
    }
    EXPECT_EQ(fast.next(), Pace::kMost);
    EXPECT_EQ(slow.next(), Pace::kLeast);
    still.took(still.next(), 0us);
    EXPECT_EQ(still.next(), Pace::kMost) << "of a paused guest";
}

TEST(Pace, HolesSayNothingOfIt) {
    Pace pace(5ms);
    pace.took(0, 300us);
    EXPECT_EQ(pace.next(), Pace::kLeast);
    pace.took(4096, 20ms); // but this does: the host is busy
    EXPECT_EQ(pace.next(), Pace::kLeast);
}

} // namespace
} // namespace page_flip
