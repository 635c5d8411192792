// SPDX-License-Identifier: Apache-2.0
#include "core/base/json.hpp"

#include <gtest/gtest.h>

namespace segue {

TEST(Json, QuotesAndEscapes) {
    EXPECT_EQ(json_quote(""), "\"\"");
    EXPECT_EQ(json_quote("a\"b\\c\n"), "\"a\\\"b\\\\c\\n\"");
    EXPECT_EQ(json_quote(std::string_view("\0\x1b\x7f", 3)), "\"\\u0000\\u001b\\u007f\"");
    EXPECT_EQ(json_quote("\xc3\xa9\xff"), "\"\xc3\xa9?\"");
}

} // namespace segue
