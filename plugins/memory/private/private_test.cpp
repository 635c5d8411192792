// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <segue/cpp/sys.hpp>

#include "core/inventory/ram.hpp"
#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

using plugin::Memory;
constexpr std::uint64_t size = 1 << 20;

class Private : public testing::Test {
protected:
    test::OpenPlugins plugins_;
    Memory memory_ = std::move(plugins_.make<Memory>("memory/private").value());
};

TEST_F(Private, TheBlockIsZeroedMemoryWithoutADescriptor) {
    auto b = inventory::make_block(memory_, "ram0", "private", size);
    ASSERT_TRUE(b) << b.error().what();
    EXPECT_FALSE(b->fd);
    EXPECT_EQ(b->survives, 0u);
    EXPECT_EQ(b->base()[size - 1], std::byte{0});
    b->base()[size - 1] = std::byte{42};
}

// By an update: it is shared from then on.
TEST_F(Private, ABlockThatWasConvertedIsTakenOver) {
    UniqueFd file = sys::memfd("converted", MFD_ALLOW_SEALING).value();
    ASSERT_TRUE(sys::truncate(file.get(), size));
    ASSERT_TRUE(sys::seal(file.get(), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
    const UniqueFd old = sys::dup(file.get()).value();
    const auto b = inventory::adopt_block(memory_, "ram0", "private", std::move(file), 0, size);
    ASSERT_TRUE(b) << b.error().what();
    EXPECT_EQ(b->survives, SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER);
    b->base()[size - 1] = std::byte{42};
    std::byte there{};
    ASSERT_TRUE(sys::pread_all(old.get(), {&there, 1}, size - 1));
    EXPECT_EQ(there, std::byte{42});
}

TEST_F(Private, NothingElseIs) {
    UniqueFd file = sys::memfd("other", 0).value(); // anybody could cut it short
    ASSERT_TRUE(sys::truncate(file.get(), size));
    EXPECT_EQ(memory_.adopt("ram0", std::move(file), 0, size).code(), Code::Refused);
    EXPECT_EQ(memory_.reopen("ram0", size).code(), Code::Unsupported);
}

} // namespace
} // namespace segue
