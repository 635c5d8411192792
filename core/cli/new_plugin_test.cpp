// SPDX-License-Identifier: Apache-2.0
// The templates lie where an installed program finds them: beside the one that tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/temp_dir.hpp"
#include "core/cli/commands.hpp"

namespace segue::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string text_of(const std::string& file) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

class NewPlugin : public testing::Test {
protected:
    // What it said on its standard error is in `said`.
    ExitCode make(const std::string& kind, const std::string& name) {
        testing::internal::CaptureStderr();
        const ExitCode code = new_plugin({kind, name, dir_.path()});
        said_ = testing::internal::GetCapturedStderr();
        return code;
    }
    TempDir dir_;
    std::string said_;
};

TEST_F(NewPlugin, HasItsOwnNameEverywhere) {
    ASSERT_EQ(make("transport", "acme-wide-link2"), ExitCode::Ok) << said_;
    for (const char* file : {"CMakeLists.txt", "plugin.cpp", "plugin_test.cpp", "README.md"}) {
        const std::string text = text_of(dir_ / ("acme-wide-link2/" + std::string(file)));
        EXPECT_THAT(text, Not(HasSubstr("acme-transport"))) << file;
        EXPECT_NE(text, "") << file;
    }
    EXPECT_THAT(text_of(dir_ / "acme-wide-link2/CMakeLists.txt"),
                HasSubstr("segue_add_plugin(acme-wide-link2 transport plugin.cpp)"));
    EXPECT_THAT(text_of(dir_ / "acme-wide-link2/plugin.cpp"),
                HasSubstr("class AcmeWideLink2Transport final"));
}

TEST_F(NewPlugin, OfMemory) {
    ASSERT_EQ(make("memory", "shelf"), ExitCode::Ok) << said_;
    EXPECT_THAT(text_of(dir_ / "shelf/plugin.cpp"), HasSubstr("class ShelfMemory final"));
}

TEST_F(NewPlugin, OverwritesNothing) {
    ASSERT_EQ(make("memory", "shelf"), ExitCode::Ok) << said_;
    std::ofstream(dir_ / "shelf/plugin.cpp") << "mine";
    EXPECT_NE(make("memory", "shelf"), ExitCode::Ok);
    EXPECT_THAT(said_, HasSubstr("shelf"));
    EXPECT_EQ(text_of(dir_ / "shelf/plugin.cpp"), "mine");
}

TEST_F(NewPlugin, RefusesNamesThatNoPluginCanHave) {
    for (const char* name :
         {"", "..", "../up", "a/b", "/abs", "Acme", "acme_link", "2fast", "-x", "x-", "a--b", "a b",
          "\xc3\xa4", "a-name-that-is-so-long-that-nobody-would-ever-type-it"}) {
        EXPECT_EQ(make("transport", name), ExitCode::Usage) << name;
        EXPECT_THAT(said_, HasSubstr("acme-link")) << "the way out";
    }
    EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

} // namespace
} // namespace segue::cli
