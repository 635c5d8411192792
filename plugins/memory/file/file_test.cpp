// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <segue/cpp/mapping.hpp>
#include <segue/cpp/sys.hpp>

#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

using plugin::Memory;
constexpr std::uint64_t size = 1 << 20;

class FileMemory : public testing::Test {
protected:
    Memory memory() {
        return std::move(plugins_.make<Memory>("memory/file", {{"path", path_}}).value());
    }
    test::TempDir dir_;
    test::OpenPlugins plugins_;
    std::string path_ = dir_ / "ram";
};

TEST_F(FileMemory, AnotherProcessSeesTheSameBytes) {
    auto m = memory();
    auto b = m.make("ram0", size);
    ASSERT_TRUE(b) << b.error().what();
    auto map = Mapping::make(b->bytes, PROT_READ | PROT_WRITE, static_cast<int>(b->map_flags),
                             b->fd.get(), static_cast<off_t>(b->offset), "ram");
    map->data()[5] = std::byte{42};
    auto outside = sys::open(path_, O_RDONLY);
    std::byte seen[1];
    ASSERT_TRUE(sys::pread_all(outside->get(), seen, 5));
    EXPECT_EQ(seen[0], std::byte{42});
    EXPECT_GE(b->stamp, size) << "beside the RAM";
    m.drop("ram0");
    EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(FileMemory, ALeftoverIsNamedAndLeftAlone) {
    std::fclose(std::fopen(path_.c_str(), "w"));
    const auto b = memory().make("ram0", size);
    ASSERT_EQ(b.code(), Code::Exists);
    EXPECT_NE(b.error().what().find(path_), std::string::npos);
    EXPECT_NE(b.error().way_out().find("remove"), std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(path_), 0u);
}

TEST_F(FileMemory, ReopenFindsWhatWasMadeAndMakesNothing) {
    EXPECT_EQ(memory().reopen("ram0", size).code(), Code::NotFound);
    EXPECT_FALSE(std::filesystem::exists(path_));
    {
        auto b = memory().make("ram0", size);
        const char mark = 'm';
        ASSERT_EQ(::pwrite(b->fd.get(), &mark, 1, 7), 1);
    }
    auto again = memory().reopen("ram0", size);
    ASSERT_TRUE(again) << again.error().what();
    char seen = 0;
    ASSERT_EQ(::pread(again->fd.get(), &seen, 1, 7), 1);
    EXPECT_EQ(seen, 'm');
    EXPECT_EQ(memory().reopen("ram0", 2 * size).code(), Code::Refused);
}

TEST_F(FileMemory, AdoptRefusesAnotherFile) {
    auto b = memory().make("ram0", size);
    auto good = memory().adopt("ram0", sys::dup(b->fd.get()).value(), 0, size);
    EXPECT_TRUE(good) << good.error().what();
    EXPECT_EQ(memory().adopt("ram0", sys::dup(b->fd.get()).value(), 0, size / 2).code(),
              Code::Refused);
    std::filesystem::rename(path_, path_ + ".old");
    auto other = memory().make("ram0", size);
    ASSERT_TRUE(other);
    EXPECT_EQ(memory().adopt("ram0", std::move(b->fd), 0, size).code(), Code::Refused);
}

TEST_F(FileMemory, WhatCannotBeMadeLeavesNothing) {
    EXPECT_EQ(memory().make("ram0", size + 1).code(), Code::Invalid);
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_EQ(memory().check(1ull << 60).code(), Code::Refused);
    EXPECT_TRUE(memory().check(size));
    EXPECT_EQ(plugins_.make<Memory>("memory/file").code(), Code::Invalid) << "path is required";
    EXPECT_EQ(plugins_.make<Memory>("memory/file", {{"path", "ram"}}).code(), Code::Invalid);
}

} // namespace
} // namespace segue
