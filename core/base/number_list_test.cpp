// SPDX-License-Identifier: Apache-2.0
#include "core/base/number_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace segue {
namespace {

using testing::ElementsAre;

TEST(NumberList, NumbersAndRuns) {
    EXPECT_THAT(*parse_number_list("0"), ElementsAre(0));
    EXPECT_THAT(*parse_number_list("0-2,7,9-9"), ElementsAre(0, 1, 2, 7, 9));
    EXPECT_EQ(parse_number_list("0-65535")->size(), 65536u);
}

TEST(NumberList, NothingElse) {
    for (const char* text : {"", ",", "0,", ",0", "a", "0-", "-1", "2-1", "1,1", "3,2", "0-2,2",
                             "65536", "+1", " 1", "1 ", "0x1", "1-2-3"})
        EXPECT_FALSE(parse_number_list(text)) << "'" << text << "'";
}

} // namespace
} // namespace segue
