// SPDX-License-Identifier: Apache-2.0
// docs/reference/config.md has one row for each key of the schema, and says of it what the schema
// says.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "core/config/guest_config.hpp"
#include "core/config/rule.hpp"

namespace segue::config {
namespace {

std::string default_of(const Key& key) {
    if (key.required)
        return "required";
    if (key.preset == nullptr)
        return "none";
    return *key.preset == '\0' ? "empty" : "`" + std::string(key.preset) + "`";
}

std::string row_of(const Key& key) {
    return "| `" + std::string(key.path) + "` | " + expectation(key.rule) + " | " +
           default_of(key) + " | " + key.doc + " |\n";
}

TEST(Docs, TheConfigurationsReferenceIsTheSchema) {
    std::string expected, written;
    for (const Key& key : guest_keys())
        expected += row_of(key);
    std::ifstream page(SEGUE_SOURCE_DIR "/docs/reference/config.md");
    for (std::string line; std::getline(page, line);)
        if (line.rfind("| `", 0) == 0)
            written += line + "\n";
    EXPECT_EQ(written, expected) << "the rows should be:\n" << expected;
}

} // namespace
} // namespace segue::config
