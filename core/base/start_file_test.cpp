// SPDX-License-Identifier: Apache-2.0
#include "core/base/start_file.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "core/base/temp_dir.hpp"

namespace segue {
namespace {

struct StartFileTest : testing::Test {
    StartFileTest() { EXPECT_TRUE(create(places)); }
    TempDir dir;
    GuestPlaces places = Places::find(dir / "r", dir / "s")->guest("g").value();
};

TEST_F(StartFileTest, ComesBackWordForWord) {
    const StartFile file{"/etc/a guest.toml", {"guest.vcpus=2", "guest.cmdline=a b\n\"c\"", ""}};
    ASSERT_TRUE(write({"/older", {}}, places));
    ASSERT_TRUE(write(file, places));
    const auto back = read_start_file(places);
    ASSERT_TRUE(back) << back.error().what();
    EXPECT_EQ(back->config, file.config);
    EXPECT_EQ(back->overrides, file.overrides);
    EXPECT_FALSE(std::filesystem::exists(places.start_file() + ".new"));
}

TEST_F(StartFileTest, WhatIsNoneIsRefusedWithTheWayOut) {
    const auto none = read_start_file(places);
    ASSERT_EQ(none.code(), Code::NotFound);
    EXPECT_NE(none.error().way_out().find("--config"), std::string::npos);
    for (const char* text : {"", "/etc/guest.toml"}) {
        std::ofstream(places.start_file()) << text;
        EXPECT_EQ(read_start_file(places).code(), Code::NotFound) << text;
    }
}

} // namespace
} // namespace segue
