// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/copy_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace segue::bench {
namespace {

using testing::HasSubstr;
using testing::Not;

CopyTable two_rounds() {
    return {1024,
            64,
            {{"memcpy", "idle", "memcpy", 0, 0, {1, 2}, {1, 1}, {}, {}, 0},
             {"memcpy to memfd", "idle", "memcpy to memfd", 0, 0, {9, 9}, {}, {}, {}, 0},
             {"memcpy", "writes", "memcpy", 0, 0, {4, 4}, {}, {}, {}, 0},
             {"precopy", "idle", "memcpy", 0.6, 0, {2, 4}, {4, 2}, {5, 7}, {6, 8}, 2100},
             {"page-flip", "writes", "memcpy", 0.8, 20, {4, 4.5}, {}, {3, 3}, {9, 21}, 1100}}};
}

TEST(CopyTable, EachIsComparedWithTheMemcpyOfItsRound) {
    const std::string json = two_rounds().json();
    EXPECT_THAT(json, HasSubstr("{\"ram_mib\":1024,\"write_mib_s\":64,\"cells\":["));
    EXPECT_THAT(json,
                HasSubstr("{\"what\":\"precopy\",\"guest\":\"idle\",\"floor\":\"memcpy\",\"n\":2,"
                          "\"median_s\":2.000,"
                          "\"max_s\":4.000,\"gib_s\":0.500,\"of_floor\":0.500,\"cpu_s\":2.000,"
                          "\"floors_cpu\":0.250,\"aim\":0.60,"
                          "\"blackout_ms\":5.00,\"max_blackout_ms\":7.00,\"longest_stop_ms\":6.00,"
                          "\"max_longest_stop_ms\":8.00,\"peak_mib\":2100}"));
    EXPECT_THAT(
        json,
        HasSubstr(
            "\"guest\":\"writes\",\"floor\":\"memcpy\",\"n\":2,\"median_s\":4.000,\"max_s\":4.500,"
            "\"gib_s\":0.250,\"of_floor\":0.889"));
}

TEST(CopyTable, PagesThatTheGuestWaitedForHaveALine) {
    CopyTable table = two_rounds();
    EXPECT_THAT(table.text(), Not(HasSubstr("waited")));
    EXPECT_THAT(table.json(), Not(HasSubstr("fault")));
    table.cells[3].fault_median_us = {80, 90, 95};
    table.cells[3].fault_mean_us = {100, 120, 500};
    table.cells[3].fault_p99_us = {900, 1000, 5000};
    EXPECT_THAT(
        table.text(),
        HasSubstr("precopy, idle: half of the pages that the guest waited for took less than "
                  "90 us (aim: 150), 1 of 100 more than 1000 us; 120 us in the mean"));
    table.cells[3].fault_median_us = {80, 190, 195};
    EXPECT_THAT(table.text(), HasSubstr("less than 190 us (aim: 150, MISSED)"));
    EXPECT_THAT(
        table.json(),
        HasSubstr("\"fault_median_us\":190.0,\"fault_mean_us\":120.0,\"fault_p99_us\":1000.0}"));
}

TEST(CopyTable, WhatMissesItsAimIsSaidToMissIt) {
    CopyTable table = two_rounds();
    EXPECT_THAT(table.text(), HasSubstr("MISSED: 60 %"));
    EXPECT_THAT(table.text(), HasSubstr("at least 80 %, MISSED: stops 20 ms"));
    table.cells[3].seconds = {1.1, 2.2};
    table.cells[4].longest_ms = {19, 19};
    EXPECT_THAT(table.text(), HasSubstr("at least 60 %"));
    EXPECT_THAT(table.text(), HasSubstr("stops below 20 ms"));
    EXPECT_THAT(table.text(), Not(HasSubstr("MISSED")));
}

} // namespace
} // namespace segue::bench
