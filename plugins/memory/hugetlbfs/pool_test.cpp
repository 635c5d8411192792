// SPDX-License-Identifier: Apache-2.0
#include "pool.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace segue::hugetlbfs {
namespace {

constexpr std::uint64_t page = 2u << 20;

class PoolTest : public testing::Test {
protected:
    PoolTest() {
        std::filesystem::create_directory(dir_ / "hugepages-2048kB");
        set("nr_hugepages", 10);
        set("free_hugepages", 6);
        set("resv_hugepages", 2);
        set("nr_overcommit_hugepages", 3);
        set("surplus_hugepages", 1);
    }
    void set(const std::string& file, unsigned n) {
        std::ofstream(dir_ / ("hugepages-2048kB/" + file)) << n << "\n";
    }
    test::TempDir dir_;
    Pool pool_{21, dir_.path()};
};

TEST_F(PoolTest, WhatIsPromisedToOthersIsNotFree) {
    EXPECT_TRUE(pool_.has(6 * page)); // 6 - 2 + 3 - 1
    const auto s = pool_.has(7 * page);
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_EQ(s.error().way_out(), "echo 11 > " + (dir_ / "hugepages-2048kB/nr_hugepages"));
}

TEST_F(PoolTest, AHostWithoutPagesOfThatSizeIsNamed) {
    const auto s = Pool(30, dir_.path()).has(1ull << 30);
    ASSERT_EQ(s.code(), Code::Unsupported);
    EXPECT_NE(s.error().what().find("1024 MiB"), std::string::npos);
}

} // namespace
} // namespace segue::hugetlbfs
