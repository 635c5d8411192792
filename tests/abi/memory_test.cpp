// SPDX-License-Identifier: Apache-2.0
// What core's adapter does not take from a memory plugin.
#include <gtest/gtest.h>

#include <segue/cpp/sys.hpp>

#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

using plugin::Memory;

TEST(MemoryAdapter, BlocksThatCannotBeMappedAreRefused) {
    test::OpenPlugins plugins({SEGUE_TEST_PLUGINS});
    for (const char* way : {"short", "bytes", "offset", "page", "flags", "anonymous", "stamp"}) {
        auto m = plugins.make<Memory>("memory/rude-memory", {{"way", way}});
        ASSERT_TRUE(m) << m.error().what();
        const auto b = m->make("ram0", 1 << 16);
        EXPECT_EQ(b.code(), Code::Internal) << way;
        EXPECT_EQ(b.error().detail("plugin"), "memory/rude-memory");
    }
    EXPECT_TRUE(plugins.make<Memory>("memory/rude-memory").value().make("ram0", 1 << 16));
}

TEST(MemoryAdapter, AnAdoptThatThrowsClosesTheDescriptorOnce) {
    test::OpenPlugins plugins({SEGUE_TEST_PLUGINS});
    auto m = plugins.make<Memory>("memory/rude-memory");
    auto fd = sys::event();
    const int number = fd->get();
    EXPECT_EQ(m->adopt("ram0", std::move(fd).value(), 0, 4096).code(), Code::Internal);
    EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

} // namespace
} // namespace segue
