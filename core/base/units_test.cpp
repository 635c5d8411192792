// SPDX-License-Identifier: Apache-2.0
#include "core/base/units.hpp"

#include <gtest/gtest.h>

namespace segue {
namespace {

using std::chrono::microseconds;

TEST(Units, SizesArePowersOf1024) {
    EXPECT_EQ(parse_size("4096").value(), 4096u);
    EXPECT_EQ(parse_size("512M").value(), 512u << 20);
    EXPECT_EQ(parse_size("4G").value(), 4ull << 30);
}

TEST(Units, BadSizesSayWhatToWrite) {
    for (const char* bad : {"", "M", "-1", "5X", "5MB", "99999999999999999999", "9999999999T"})
        EXPECT_EQ(parse_size(bad).code(), Code::Invalid) << bad;
    EXPECT_NE(parse_size("5X").error().way_out().find("K, M, G"), std::string::npos);
}

TEST(Units, DurationsNeedAUnit) {
    EXPECT_EQ(parse_duration("200ms").value(), microseconds(200000));
    EXPECT_EQ(parse_duration("2m").value(), microseconds(120000000));
    EXPECT_FALSE(parse_duration("200"));
    EXPECT_FALSE(parse_duration("1h"));
}

TEST(Units, SizesReadBack) {
    for (const char* text : {"1", "4K", "512M", "3G", "1T"})
        EXPECT_EQ(format_size(parse_size(text).value()), text);
}

TEST(Units, ForPeople) {
    EXPECT_EQ(rough_size(1000), "1000 bytes");
    EXPECT_EQ(rough_size(1536u << 20), "1.50 GiB");
    EXPECT_EQ(rough_size(1ull << 60), "1048576.00 TiB");
    EXPECT_EQ(format_duration(microseconds(1940)), "1.94 ms");
}

} // namespace
} // namespace segue
