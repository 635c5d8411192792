// SPDX-License-Identifier: Apache-2.0
#include "core/config/document.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace segue::config {
namespace {

TEST(Document, KeepsTypesOrderAndPlaces) {
    auto doc = parse_toml("zeta = 1\n[alpha]\nname = \"web1\"\nlist = [true, 2.5]\n", "a.toml");
    ASSERT_TRUE(doc) << doc.error().what();
    ASSERT_EQ(doc->root.entries().size(), 2u);
    EXPECT_EQ(doc->root.entries()[0].key, "zeta");
    EXPECT_EQ(*doc->root.find("zeta")->as<std::int64_t>(), 1);
    const auto* alpha = doc->root.find("alpha")->as<Table>();
    ASSERT_NE(alpha, nullptr);
    const Value* name = alpha->find("name");
    EXPECT_EQ(*name->as<std::string>(), "web1");
    EXPECT_EQ(doc->at(name->place), "a.toml:3:8");
    EXPECT_STREQ(alpha->find("list")->type_name(), "an array");
    EXPECT_EQ(alpha->find("none"), nullptr);
}

TEST(Document, ErrorsBeginWithThePlace) {
    const auto twice = parse_toml("a = 1\na = 2\n", "b.toml");
    ASSERT_EQ(twice.code(), Code::Invalid);
    EXPECT_EQ(twice.error().what().rfind("b.toml:2:", 0), 0u) << twice.error().what();
    const auto date = parse_toml("x = 1\nwhen = 1979-05-27\n", "c.toml");
    ASSERT_EQ(date.code(), Code::Invalid);
    EXPECT_EQ(date.error().what().rfind("c.toml:2:8", 0), 0u) << date.error().what();
}

TEST(Document, FilesAreRegularAndBounded) {
    const auto path = std::filesystem::path(testing::TempDir()) /
                      ("document_test." + std::to_string(::getpid()) + ".toml");
    std::ofstream(path) << "a = 1\n";
    EXPECT_TRUE(load_toml(path, 6));
    EXPECT_EQ(load_toml(path, 5).code(), Code::Invalid);
    std::filesystem::remove(path);
    EXPECT_EQ(load_toml(path, 6).code(), Code::NotFound);
    EXPECT_EQ(load_toml(testing::TempDir(), 6).code(), Code::Invalid);
}

TEST(Document, WhatTheParserAssertsIsAnErrorWithItsLine) {
    for (const char* text :
         {"a = 1\n[=a]", "a = 1\n[=a]\n[b]\n", "a = 1\n[[\x7f]]\nb = 2\nc = 3\n"}) {
        const auto doc = parse_toml(text, "d.toml");
        ASSERT_EQ(doc.code(), Code::Invalid) << text;
        EXPECT_EQ(doc.error().what().rfind("d.toml:2:1: ", 0), 0u) << doc.error().what();
    }
}

TEST(Document, ALetterBeyondAsciiInABareKeyIsAnError) {
    const auto doc = parse_toml("a = 1\nn\xc3\xa4me = 1\n", "e.toml");
    ASSERT_EQ(doc.code(), Code::Invalid);
    EXPECT_EQ(doc.error().what().rfind("e.toml:2:2: ", 0), 0u) << doc.error().what();
}

TEST(Document, OnlyKeysAreBoundedInTheirParts) {
    std::string dots;
    for (int i = 0; i < 40; ++i)
        dots += "a.";
    for (const std::string& text : {"# " + dots + "\n", "s = \"\\\"" + dots + "\"\n",
                                    "s = '" + dots + "'\n", "s = \"\"\"\n\"" + dots + "\n\"\"\"\n",
                                    "n = [1.5, 1.5]\n" + dots.substr(0, 63) + " = 1\n"})
        EXPECT_TRUE(parse_toml(text, "f.toml")) << text;
    for (const std::string& text :
         {"\n" + dots + "a = 1\n", "\n[" + dots + "a]\n", "\nt = { " + dots + "a = 1 }\n",
          "\n'x' . \"y\" . " + dots + "a = 1\n"}) {
        const auto doc = parse_toml(text, "f.toml");
        ASSERT_EQ(doc.code(), Code::Invalid) << text;
        EXPECT_EQ(doc.error().what().rfind("f.toml:2:1: a key of more than 32 parts", 0), 0u)
            << doc.error().what();
    }
}

} // namespace
} // namespace segue::config
