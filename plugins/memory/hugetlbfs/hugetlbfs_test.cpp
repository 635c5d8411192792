// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>

#include <segue/cpp/mapping.hpp>
#include <segue/cpp/sys.hpp>

#include "tests/support/huge_pages.hpp"
#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

using plugin::Memory;
constexpr std::uint64_t page = 2u << 20, size = 2 * page;

Result<Mapping> map(const plugin::Block& b) {
    return Mapping::make(b.bytes, PROT_READ | PROT_WRITE, static_cast<int>(b.map_flags), b.fd.get(),
                         static_cast<off_t>(b.offset), "ram");
}

class Hugetlbfs : public testing::Test {
protected:
    Memory memory(const test::OpenPlugins::Options& options = {}) {
        return std::move(plugins_.make<Memory>("memory/hugetlbfs", options).value());
    }
    test::OpenPlugins plugins_;
};

// Where the pool cannot be made larger, the refusal must be right all the same.
TEST_F(Hugetlbfs, AnonymousPagesAreHugeSealedAndAdopted) {
    const test::HugePages pool(4);
    auto m = memory();
    if (!pool.there()) {
        EXPECT_EQ(m.make("ram0", 64 * size).code(), Code::Refused);
        return;
    }
    auto b = m.make("ram0", size);
    ASSERT_TRUE(b) << b.error().what();
    EXPECT_EQ(b->page_shift, 21u);
    EXPECT_EQ(b->survives, SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER);
    EXPECT_FALSE(sys::truncate(b->fd.get(), page));
    auto here = map(*b);
    ASSERT_TRUE(here) << here.error().what();
    here->data()[size - 1] = std::byte{42};
    auto again = m.adopt("ram0", sys::dup(b->fd.get()).value(), 0, size);
    ASSERT_TRUE(again) << again.error().what();
    auto there = map(*again);
    EXPECT_EQ(there->data()[size - 1], std::byte{42});
    EXPECT_EQ(m.reopen("ram0", size).code(), Code::Unsupported);
    auto small = sys::memfd("small", MFD_ALLOW_SEALING).value();
    ASSERT_TRUE(sys::truncate(small.get(), size));
    ASSERT_TRUE(sys::seal(small.get(), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
    EXPECT_EQ(m.adopt("ram0", std::move(small), 0, size).code(), Code::Refused) << "small pages";
}

TEST_F(Hugetlbfs, AFileOnAMountOutlivesItsProcess) {
    const test::HugePages pool(8);
    test::TempDir dir;
    const std::string path = dir / "ram";
    auto m = memory({{"path", path}});
    if (!pool.there() || ::mount("none", dir.path().c_str(), "hugetlbfs", 0, "pagesize=2M") != 0) {
        EXPECT_EQ(m.make("ram0", size).code(), Code::Refused);
        EXPECT_FALSE(std::filesystem::exists(path));
        return;
    }
    {
        auto b = m.make("ram0", size);
        EXPECT_TRUE(b) << b.error().what();
        EXPECT_EQ(b->stamp, size) << "beside the RAM";
        map(*b)->data()[7] = std::byte{42};
        EXPECT_EQ(m.make("ram0", size).code(), Code::Exists);
    }
    {
        auto again = m.reopen("ram0", size);
        EXPECT_TRUE(again) << again.error().what();
        EXPECT_EQ(map(*again)->data()[7], std::byte{42});
    }
    m.drop("ram0");
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_EQ(::umount(dir.path().c_str()), 0);
}

TEST_F(Hugetlbfs, AFileElsewhereHasSmallPages) {
    const test::HugePages pool(4);
    test::TempDir dir;
    auto m = memory({{"path", dir / "ram"}});
    const auto b = m.make("ram0", size);
    ASSERT_EQ(b.code(), Code::Refused);
    EXPECT_FALSE(b.error().way_out().empty());
    EXPECT_FALSE(std::filesystem::exists(dir / "ram"));
}

TEST_F(Hugetlbfs, APoolThatIsTooSmallIsRefusedWithTheCommand) {
    const auto s = memory().check(1ull << 50);
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_NE(s.error().way_out().find("nr_hugepages"), std::string::npos);
    EXPECT_EQ(memory().check(size + 4096).code(), Code::Invalid);
    EXPECT_EQ(memory({{"page_size", "1G"}}).check(size).code(), Code::Invalid);
    EXPECT_EQ(plugins_.make<Memory>("memory/hugetlbfs", {{"page_size", "4K"}}).code(),
              Code::Invalid);
}

} // namespace
} // namespace segue
