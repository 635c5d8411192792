// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/cells.hpp"

#include <gtest/gtest.h>

namespace segue::bench {
namespace {

TEST(BenchCells, SummaryIsByNearestRank) {
    const Summary s = summary({5, 1, 3, 2, 4, 6, 7, 8, 9, 10});
    EXPECT_EQ(s.min, 1);
    EXPECT_EQ(s.median, 5);
    EXPECT_EQ(s.p90, 9);
    EXPECT_EQ(s.max, 10);
    EXPECT_EQ(summary({}).max, 0);
    EXPECT_EQ(summary({7}).p90, 7);
}

TEST(BenchCells, JsonHasCellsAndPhases) {
    const std::string json =
        to_json({{"floor", 256, 1, {10, 20}}, {"idle", 4096, 4, {}}}, {{"kick_us", 1.5}});
    EXPECT_EQ(json, "{\"cells\":[\n"
                    "  {\"what\":\"floor\",\"ram_mib\":256,\"vcpus\":1,\"n\":2,\"min_us\":10.0,"
                    "\"median_us\":10.0,\"p90_us\":20.0,\"max_us\":20.0},\n"
                    "  {\"what\":\"idle\",\"ram_mib\":4096,\"vcpus\":4,\"n\":0,\"min_us\":0.0,"
                    "\"median_us\":0.0,\"p90_us\":0.0,\"max_us\":0.0}\n"
                    "],\"phases\":{\n  \"kick_us\":1.5\n}}\n");
}

TEST(BenchCells, AFileThatCannotBeWrittenIsNamed) {
    const Status s = write_json("/nonexistent/floor.json", "{}");
    ASSERT_FALSE(s);
    EXPECT_NE(s.error().what().find("/nonexistent/floor.json"), std::string::npos);
}

} // namespace
} // namespace segue::bench
