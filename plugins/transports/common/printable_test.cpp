// SPDX-License-Identifier: Apache-2.0
#include "plugins/transports/common/printable.hpp"

#include <gtest/gtest.h>

namespace segue {
namespace {

TEST(Printable, WhatIsPrintableStays) {
    EXPECT_EQ(printable(" fleet-2~", 9), " fleet-2~");
    EXPECT_EQ(printable("", 9), "");
}

TEST(Printable, NoByteBreaksALineOrMovesACursor) {
    EXPECT_EQ(printable(std::string("a\nb\rc\x1b[2J\0\x7f\xc3\xa9", 13), 20), "a?b?c?[2J????");
}

TEST(Printable, WhatIsTooLongIsCutAndSaysSo) {
    EXPECT_EQ(printable("fleets", 5), "fl...");
    EXPECT_EQ(printable(std::string(70000, 'x'), 128).size(), 128u);
}

} // namespace
} // namespace segue
