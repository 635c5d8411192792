// SPDX-License-Identifier: Apache-2.0
// A plugin built against the headers of an older draft is refused by name, by host and check.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include <segue/testkit/check.hpp>

#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path folder = SEGUE_FROZEN_PLUGINS "/transport";

TEST(Frozen, AnOlderDraftIsRefusedByName) {
    const auto found = plugin::Registry::search({folder});
    ASSERT_EQ(found.code(), Code::Unsupported);
    EXPECT_THAT(found.error().what(), HasSubstr("plugin 'old-draft'"));
    EXPECT_THAT(found.error().what(), HasSubstr("segue.transport.draft/0"));
    EXPECT_THAT(found.error().what(), HasSubstr(SEGUE_TRANSPORT_ID)) << "what it should be";
    EXPECT_THAT(found.error().way_out(), HasSubstr("built for this version"));
}

// As if a package had brought the manifest of today, and the old file had stayed.
TEST(Frozen, ItsBinaryIsRefusedBeforeItIsCalled) {
    const test::TempDir dir;
    fs::copy(folder / "old-draft.so", dir.path());
    std::stringstream text;
    text << std::ifstream(folder / "old-draft.toml").rdbuf();
    std::string manifest = text.str();
    manifest.replace(manifest.find("segue.transport.draft/0"), 23, SEGUE_TRANSPORT_ID);
    std::ofstream(dir / "old-draft.toml") << manifest;
    test::OpenPlugins plugins({dir.path()});
    const auto loaded = plugins.load("transport/old-draft");
    ASSERT_EQ(loaded.code(), Code::Refused);
    EXPECT_EQ(loaded.error().detail("field"), "kind");
    EXPECT_THAT(loaded.error().what(), HasSubstr("segue.transport.draft/0"));
}

TEST(Frozen, TheCheckSaysWhichDraftItIs) {
    const auto report = testkit::check({folder / "old-draft.so", {}});
    ASSERT_EQ(report.rows.size(), 1u) << report.table();
    EXPECT_FALSE(report.passed());
    EXPECT_THAT(report.rows[0].what,
                HasSubstr("plugin 'old-draft' is of kind 'segue.transport.draft/0', which this SDK "
                          "has as '" SEGUE_TRANSPORT_ID "'"));
}

} // namespace
} // namespace segue
