// SPDX-License-Identifier: Apache-2.0
#include "core/base/nearest.hpp"

#include <gtest/gtest.h>

namespace segue {
namespace {

TEST(Nearest, FindsTheLikelyWord) {
    EXPECT_EQ(nearest("backlgo", {"path", "backlog"}), "backlog");
    EXPECT_EQ(nearest("pth", {"path", "backlog"}), "path");
    EXPECT_EQ(nearest("", {"path"}), "");
}

TEST(Nearest, SaysNothingRatherThanNonsense) {
    EXPECT_EQ(nearest("colour", {"path", "backlog"}), "");
    EXPECT_EQ(nearest("path", {}), "");
}

} // namespace
} // namespace segue
