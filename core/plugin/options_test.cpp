// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/options.hpp"

#include <gtest/gtest.h>

namespace segue::plugin {
namespace {

Option option(const char* key, std::uint32_t type, std::optional<std::string> preset = {}) {
    Option o;
    o.key = key;
    o.doc = "for the test";
    o.type = type;
    o.preset = std::move(preset);
    return o;
}

Manifest manifest() {
    Manifest m;
    m.kind = kind_by_word("transport");
    m.id = "sample";
    m.options = {option("path", SEGUE_OPTION_PATH),         option("size", SEGUE_OPTION_SIZE, "4K"),
                 option("count", SEGUE_OPTION_UINT, "16"),  option("wait", SEGUE_OPTION_DURATION),
                 option("fast", SEGUE_OPTION_BOOL, "true"), option("name", SEGUE_OPTION_STRING)};
    m.options[2].min = 1;
    m.options[2].max = 32;
    return m;
}

Result<PluginConfig> from(const Manifest& m, const std::string& text) {
    const auto doc = config::parse_toml("[options]\n" + text, "guest.toml");
    EXPECT_TRUE(doc) << doc.error().what();
    return PluginConfig::from(m, *doc, *doc->root.find("options")->as<config::Table>(), "options",
                              {1, 1});
}

TEST(PluginConfig, APluginReadsWhatWasGivenAndTheDefaults) {
    const Manifest m = manifest();
    const auto c = from(m, "path = \"/x\"\nwait = \"200ms\"\nfast = false\n");
    ASSERT_TRUE(c) << c.error().what();
    const segue_host_config& service = *config_service();
    const char* text = nullptr;
    std::uint64_t number = 0;
    std::uint32_t flag = 7;
    EXPECT_EQ(service.text(c->abi(), "path", &text), SEGUE_OK);
    EXPECT_STREQ(text, "/x");
    EXPECT_EQ(service.number(c->abi(), "wait", &number), SEGUE_OK);
    EXPECT_EQ(number, 200000u) << "microseconds";
    EXPECT_EQ(service.number(c->abi(), "size", &number), SEGUE_OK);
    EXPECT_EQ(number, 4096u) << "the default";
    EXPECT_EQ(service.flag(c->abi(), "fast", &flag), SEGUE_OK);
    EXPECT_EQ(flag, 0u);
    EXPECT_EQ(service.text(c->abi(), "name", &text), SEGUE_NOT_FOUND);
    EXPECT_EQ(service.text(c->abi(), "size", &text), SEGUE_INVALID) << "of another type";
    EXPECT_EQ(service.text(c->abi(), "none", &text), SEGUE_INVALID);
    EXPECT_EQ(service.text(c->abi(), nullptr, &text), SEGUE_INVALID);
    EXPECT_EQ(c->checked().size(), 5u);
}

TEST(PluginConfig, ErrorsSayWhereAndWhatIsExpected) {
    const Manifest m = manifest();
    const struct {
        const char *text, *place, *part;
    } cases[] = {{"count = 33\n", "guest.toml:2:", "from 1 to 32"},
                 {"count = \"4\"\n", "guest.toml:2:", "an integer"},
                 {"fast = 1\n", "guest.toml:2:", "true or false"},
                 {"\npath = \"x\"\n", "guest.toml:3:", "absolute"},
                 {"size = \"4X\"\n", "guest.toml:2:", "a size"},
                 {"cuont = 4\n", "guest.toml:2:", "count"}};
    for (const auto& c : cases) {
        const auto bad = from(m, c.text);
        ASSERT_EQ(bad.code(), Code::Invalid) << c.text;
        const std::string all = bad.error().what() + bad.error().way_out();
        EXPECT_EQ(all.rfind(c.place, 0), 0u) << all;
        EXPECT_NE(all.find(c.part), std::string::npos) << all;
    }
}

TEST(PluginConfig, WhatIsRequiredMustBeThere) {
    Manifest m = manifest();
    m.options[0].required = true;
    EXPECT_EQ(from(m, "").error().what().rfind("guest.toml:1:1: options.path is missing", 0), 0u);
    auto c = PluginConfig::defaults(m);
    ASSERT_TRUE(c);
    EXPECT_EQ(c->complete().error().detail("key"), "path");
    EXPECT_EQ(c->set("path", "relative").code(), Code::Invalid);
    EXPECT_TRUE(c->set("path", "/x"));
    EXPECT_TRUE(c->complete());
    EXPECT_EQ(c->set("none", "x").code(), Code::Invalid);
}

} // namespace
} // namespace segue::plugin
