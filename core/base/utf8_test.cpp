// SPDX-License-Identifier: Apache-2.0
#include "core/base/utf8.hpp"

#include <gtest/gtest.h>

namespace segue {

TEST(Utf8, AcceptsEveryLength) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb5"));
    EXPECT_TRUE(is_utf8("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"));
}

TEST(Utf8, RefusesMalformed) {
    for (const char* bad : {"\x80", "\xc0\x80", "\xc3", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80",
                            "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
        EXPECT_FALSE(is_utf8(bad)) << static_cast<int>(static_cast<unsigned char>(bad[0]));
}

TEST(Utf8, ReplacesOnlyWhatIsMalformed) {
    EXPECT_EQ(to_utf8("a\xff\xc3\xa9\xe2\x82z"), "a?\xc3\xa9??z");
    EXPECT_TRUE(is_utf8(to_utf8("\xc0\x80\xf4\x90")));
}

} // namespace segue
