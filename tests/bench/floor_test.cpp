// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/floor_run.hpp"

#include <gtest/gtest.h>

namespace segue::bench {
namespace {

class FloorTest : public testing::TestWithParam<unsigned> {};

// move() fails where a counter stops or goes back.
TEST_P(FloorTest, TheGuestCountsOnThroughMoves) {
    auto floor = Floor::start(4, GetParam());
    ASSERT_TRUE(floor) << floor.error().what();
    for (int i = 0; i < 3; ++i) {
        const auto times = (*floor)->move();
        ASSERT_TRUE(times) << times.error().what();
        EXPECT_GT(times->stand_still, 0);
        EXPECT_GT(times->read, 0);
        EXPECT_GT(times->write, 0);
    }
}

INSTANTIATE_TEST_SUITE_P(Vcpus, FloorTest, testing::Values(1u, 4u));

} // namespace
} // namespace segue::bench
