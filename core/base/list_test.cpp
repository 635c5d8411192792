// SPDX-License-Identifier: Apache-2.0
#include "core/base/list.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace segue {
namespace {

TEST(List, HasACommaBetweenTwo) {
    EXPECT_EQ(list_of(std::vector<std::string>{}), "");
    EXPECT_EQ(list_of(std::vector<std::string_view>{"a"}), "a");
    EXPECT_EQ(list_of(std::vector<const char*>{"a", "b", "c"}), "a, b, c");
}

} // namespace
} // namespace segue
