// SPDX-License-Identifier: Apache-2.0
// What a host without such memory can show: what is refused, and why. tests/lab/cases/dax.sh runs
// guests on a device.
#include <sys/file.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <segue/cpp/sys.hpp>

#include "device.hpp"
#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t page = 2u << 20;

// What never comes to its last page: /dev/zero, described as 16 pages of 2 MiB.
class DaxDevice : public testing::Test {
protected:
    DaxDevice() { describe("33554432", "2097152"); }
    void describe(const std::string& size, const std::string& align) {
        std::filesystem::create_directories(dir_ / "1:5");
        std::ofstream(dir_ / "1:5/size") << size << "\n";
        std::ofstream(dir_ / "1:5/align") << align << "\n";
    }
    test::TempDir dir_;
    dax::Device device_{"/dev/zero", dir_.path()};
};

TEST_F(DaxDevice, ItsLastPageIsNoRam) {
    const Status s = device_.check(16 * page, false);
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_THAT(s.error().what(), HasSubstr("has room for 31457280 bytes"));
    EXPECT_EQ(device_.check(page + 4096, false).code(), Code::Invalid);
    EXPECT_EQ(device_.check(0, false).code(), Code::Invalid);
    describe("33554432", "4096");
    EXPECT_THAT(device_.check(16 * page - 4096, false).error().what(),
                HasSubstr("has room for 33546240 bytes")); // two small ones
}

TEST_F(DaxDevice, OneThatIsLockedIsInUse) {
    const UniqueFd other = sys::open("/dev/zero", O_RDWR).value();
    ASSERT_EQ(::flock(other.get(), LOCK_EX), 0);
    EXPECT_EQ(device_.check(page, true).code(), Code::Exists);
    ::flock(other.get(), LOCK_UN);
}

TEST_F(DaxDevice, WhatIsDescribedOtherwiseIsNone) {
    for (const auto& [size, align] :
         {std::pair("33554432", "3000000"), {"1000", "4096"}, {"33554433", "4096"}}) {
        describe(size, align);
        EXPECT_EQ(device_.check(page, false).code(), Code::Unsupported) << size << " " << align;
    }
    describe("many", "4096");
    EXPECT_EQ(device_.check(page, false).code(), Code::Invalid);
}

TEST(Dax, WhatUsesNoDaxIsNamed) {
    test::OpenPlugins plugins;
    const test::TempDir dir;
    auto file = plugins.make<plugin::Memory>("memory/dax", {{"path", dir / "ram"}}).value();
    const auto b = file.make("ram0", page);
    ASSERT_EQ(b.code(), Code::Refused);
    EXPECT_THAT(b.error().way_out(), HasSubstr("mount -o dax"));
    EXPECT_FALSE(std::filesystem::exists(dir / "ram"));
    auto device = plugins.make<plugin::Memory>("memory/dax", {{"path", "/dev/null"}}).value();
    EXPECT_THAT(device.check(page).error().what(), HasSubstr("is no device of device DAX"));
}

} // namespace
} // namespace segue
