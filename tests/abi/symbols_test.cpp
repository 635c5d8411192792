// SPDX-License-Identifier: Apache-2.0
// Every built plugin exports one symbol.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "core/plugin/registry.hpp"

namespace segue {
namespace {

std::string defined_symbols(const std::filesystem::path& library) {
    const std::string command = "nm -D --defined-only --format=posix '" + library.string() + "'";
    std::FILE* p = ::popen(command.c_str(), "r");
    std::string out;
    char part[256];
    while (std::fgets(part, sizeof part, p) != nullptr)
        out += std::string(part).substr(0, std::string(part).find(' ')) + "\n";
    EXPECT_EQ(::pclose(p), 0) << command;
    return out;
}

TEST(Symbols, APluginExportsItsEntryAlone) {
    const auto found =
        plugin::Registry::search({plugin::builtin_dir().value(), SEGUE_TEST_PLUGINS});
    ASSERT_TRUE(found) << found.error().what();
    EXPECT_GE(found->manifests().size(), 5u);
    for (const plugin::Manifest& m : found->manifests())
        EXPECT_EQ(defined_symbols(m.library), "segue_plugin_entry\n") << m.name();
}

} // namespace
} // namespace segue
