// SPDX-License-Identifier: Apache-2.0
#include "core/observer/options.hpp"

#include <gtest/gtest.h>

#include <string>

namespace segue::observer {
namespace {

struct OptionsTest : testing::Test {
    Parsed parse(std::vector<std::string> words) {
        words.insert(words.begin(), "segue-observer");
        std::vector<char*> argv;
        for (auto& word : words)
            argv.push_back(word.data());
        argv.push_back(nullptr);
        options = {};
        testing::internal::CaptureStderr();
        const auto parsed = observer::parse(static_cast<int>(words.size()), argv.data(), options);
        err = testing::internal::GetCapturedStderr();
        return parsed;
    }
    bool refused(std::vector<std::string> words, const std::string& why) {
        return parse(std::move(words)) == Parsed::Wrong && err.find(why) != std::string::npos;
    }
    Options options;
    std::string err;
};

TEST_F(OptionsTest, TheDefaults) {
    ASSERT_EQ(parse({"--ram", "/a"}), Parsed::Go) << err;
    ASSERT_EQ(options.rams.size(), 1u);
    EXPECT_EQ(options.rams[0].path, "/a");
    EXPECT_EQ(options.rams[0].offset, 0u);
    EXPECT_EQ(options.time, std::chrono::seconds(10));
    EXPECT_FALSE(options.until_eof || options.json);
    EXPECT_EQ(options.cpu, -1);
    EXPECT_EQ(options.every_us, 0);
}

TEST_F(OptionsTest, EachOption) {
    ASSERT_EQ(parse({"--ram", "/a", "--ram=/b", "--offset", "512M", "--seconds", "1.5", "--cpu",
                     "3", "--every", "50", "--until-eof-of-stdin", "--json"}),
              Parsed::Go)
        << err;
    ASSERT_EQ(options.rams.size(), 2u);
    for (const Ram& ram : options.rams)
        EXPECT_EQ(ram.offset, 512u << 20) << "wherever --offset stands";
    EXPECT_EQ(options.rams[1].path, "/b");
    EXPECT_EQ(options.time, std::chrono::milliseconds(1500));
    EXPECT_EQ(options.cpu, 3);
    EXPECT_EQ(options.every_us, 50);
    EXPECT_TRUE(options.until_eof);
    EXPECT_TRUE(options.json);
}

TEST_F(OptionsTest, Help) {
    EXPECT_EQ(parse({"--help"}), Parsed::Help);
    for (const char* name :
         {"--ram", "--offset", "--seconds", "--until-eof-of-stdin", "--cpu", "--every", "--json"})
        EXPECT_NE(std::string(usage).find(name), std::string::npos) << name;
}

TEST_F(OptionsTest, WhatIsWrongIsSaid) {
    EXPECT_TRUE(refused({}, "--ram is missing"));
    EXPECT_TRUE(refused({"--ram", "/a", "more"}, "no option"));
    EXPECT_TRUE(refused({"--ram"}, "requires an argument"));
    EXPECT_TRUE(refused({"--ram", "/a", "--rom", "/b"}, "unrecognized option"));
    for (const auto& [name, value] :
         std::vector<std::pair<std::string, std::string>>{{"--seconds", "x"},
                                                          {"--seconds", "-1"},
                                                          {"--seconds", "1e10"},
                                                          {"--cpu", "one"},
                                                          {"--cpu", "1x"},
                                                          {"--every", ""},
                                                          {"--every", "-5"},
                                                          {"--offset", "12Q"}})
        EXPECT_TRUE(refused({"--ram", "/a", name, value}, "not a value: " + value))
            << name << " " << value << ": " << err;
}

} // namespace
} // namespace segue::observer
