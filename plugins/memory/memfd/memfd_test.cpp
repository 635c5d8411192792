// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <segue/cpp/sys.hpp>

#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

using plugin::Memory;
constexpr std::uint64_t size = 1 << 20;

class Memfd : public testing::Test {
protected:
    test::OpenPlugins plugins_;
    Memory memory_ = std::move(plugins_.make<Memory>("memory/memfd").value());
};

TEST_F(Memfd, TheSizeIsSealed) {
    auto b = memory_.make("ram0", size);
    ASSERT_TRUE(b) << b.error().what();
    EXPECT_EQ(b->bytes, size);
    EXPECT_FALSE(sys::truncate(b->fd.get(), size / 2));
    EXPECT_FALSE(sys::truncate(b->fd.get(), size * 2));
    EXPECT_FALSE(sys::seal(b->fd.get(), F_SEAL_WRITE));
    EXPECT_EQ(b->survives, SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER);
    const auto link = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(b->fd.get()));
    EXPECT_NE(link.string().find("segue:ram0"), std::string::npos);
}

TEST_F(Memfd, AdoptTakesItsOwn) {
    auto b = memory_.make("ram0", size);
    ASSERT_TRUE(b);
    const char mark = 'm';
    ASSERT_EQ(::pwrite(b->fd.get(), &mark, 1, size - 1), 1);
    auto again = memory_.adopt("ram0", sys::dup(b->fd.get()).value(), 0, size);
    ASSERT_TRUE(again) << again.error().what();
    char seen = 0;
    ASSERT_EQ(::pread(again->fd.get(), &seen, 1, size - 1), 1);
    EXPECT_EQ(seen, mark);
}

TEST_F(Memfd, AdoptRefusesWhatCouldChangeOrIsTooSmall) {
    auto loose = sys::memfd("loose", MFD_ALLOW_SEALING);
    ASSERT_TRUE(sys::truncate(loose->get(), size));
    EXPECT_EQ(memory_.adopt("ram0", std::move(*loose), 0, size).code(), Code::Refused);
    auto b = memory_.make("ram0", size);
    EXPECT_EQ(memory_.adopt("ram0", std::move(b->fd), 0, 2 * size).code(), Code::Refused);
    EXPECT_FALSE(memory_.adopt("ram0", sys::event().value(), 0, size));
    EXPECT_EQ(memory_.reopen("ram0", size).code(), Code::Unsupported);
}

} // namespace
} // namespace segue
