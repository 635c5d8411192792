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

TEST_F(Private, NobodyCanTakeItOver) {
    const auto b = memory_.adopt("ram0", sys::memfd("other", 0).value(), 0, size);
    ASSERT_EQ(b.code(), Code::Refused);
    EXPECT_FALSE(b.error().way_out().empty());
    EXPECT_EQ(memory_.reopen("ram0", size).code(), Code::Unsupported);
}

} // namespace
} // namespace segue
