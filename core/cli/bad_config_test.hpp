// SPDX-License-Identifier: Apache-2.0
// bad_config_test.hpp - what the tables of broken configurations share: a file of its own for each
// row, and `segue check` on it.
#pragma once

#include <fstream>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/temp_dir.hpp"
#include "core/cli/check.hpp"

// The lines that a row builds on: 1 to 3, and 4 to 7.
#define GUEST "[guest]\nname = \"web1\"\nkernel = \"/boot/k\"\n"
#define MEMORY "[[memory]]\nid = \"ram0\"\nsize = \"512M\"\nbackend = \"memfd\"\n"

namespace segue::cli {

struct Row {
    const char* name;
    std::string toml;
    std::string what; // that the error says, with its place
    std::string way_out;
};
inline void PrintTo(const Row& row, std::ostream* out) {
    *out << row.name;
}
inline std::string name_of(const testing::TestParamInfo<Row>& row) {
    return row.param.name;
}

// In a folder of its own, as file "g.toml".
class BadConfig : public testing::TestWithParam<Row> {
protected:
    void write(const std::string& text) const {
        std::ofstream(file_, std::ios::binary) << text;
        std::filesystem::permissions(file_, std::filesystem::perms(0600));
    }
    void expect_refused(const std::vector<std::string>& overrides = {}) const {
        const Row& row = GetParam();
        const auto config = checked_config(file_, overrides);
        ASSERT_FALSE(config) << "accepted";
        EXPECT_THAT(config.error().what(), testing::HasSubstr(row.what));
        EXPECT_THAT(config.error().way_out(), testing::HasSubstr(row.way_out));
        EXPECT_FALSE(config.error().way_out().empty()) << config.error().what();
    }

    TempDir dir_;
    std::filesystem::path file_ = dir_ / "g.toml";
};

} // namespace segue::cli
