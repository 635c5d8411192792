// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/stream_pouch.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {
namespace {

TEST(StreamPouchTest, ShowsWhatIsInsideAndKeepsIt) {
    inventory::Inventory inventory;
    ASSERT_TRUE(StreamPouch::open("p", inventory).ok());
    StreamPouch pouch = StreamPouch::adopt("p", inventory).value();
    EXPECT_TRUE(pouch.look()->empty());
    std::vector<UniqueFd> fds;
    std::vector<std::pair<std::uint64_t, int>> streams;
    for (std::uint64_t id = 1; id <= 300; ++id) { // more than a message holds
        fds.push_back(sys::event(static_cast<unsigned>(id)).value());
        streams.emplace_back(id * 1000, fds.back().get());
    }
    ASSERT_TRUE(pouch.put(streams).ok());
    ASSERT_TRUE(pouch.put(streams).ok()); // instead
    for (int time = 0; time < 2; ++time) {
        const auto inside = pouch.look().value();
        ASSERT_EQ(inside.size(), 300u);
        std::uint64_t value = 0;
        ASSERT_EQ(::read(inside.at(299'000).get(), &value, sizeof value), 8);
        EXPECT_EQ(value, 299u);
        sys::signal_event(fds[298].get());
        ASSERT_EQ(::write(fds[298].get(), &(value = 298), sizeof value), 8);
    }
    pouch.clear();
    EXPECT_TRUE(pouch.look()->empty());
    EXPECT_EQ(StreamPouch::adopt("q", inventory).code(), Code::NotFound);
}

TEST(StreamPouchTest, ADescriptorThatIsNoneIsNotPutIn) {
    inventory::Inventory inventory;
    ASSERT_TRUE(StreamPouch::open("p", inventory).ok());
    StreamPouch pouch = StreamPouch::adopt("p", inventory).value();
    EXPECT_FALSE(pouch.put({{1, inventory.find("p.in")}, {2, -1}}).ok());
    EXPECT_TRUE(pouch.look()->empty());
}

} // namespace
} // namespace segue::vmm
