// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_rng/virtio_rng.hpp"

#include <gtest/gtest.h>

#include <set>

#include "vmm/virtio/test_machine.hpp"

namespace segue::vmm {
namespace {

using virtio::soon;
using virtio::TestMachine;
using virtio::TestRam;
using virtio::Used;

constexpr std::uint64_t kData = 0x40000;

class RngTest : public testing::Test {
protected:
    void SetUp() override {
        m.device().activate();
        m.bring_up(virtio::kVersion1);
    }
    std::optional<Used> ask(TestMachine& machine, std::uint32_t bytes) {
        EXPECT_TRUE(driver->add({{kData, bytes, true}}, 1));
        machine.notify(0);
        std::optional<Used> used;
        EXPECT_TRUE(soon([&] { return (used = driver->take()).has_value(); }));
        return used;
    }
    TestRam ram;
    TestMachine m{ram, std::make_unique<VirtioRng>("rng0")};
    std::unique_ptr<virtio::DriverRing> driver =
        make_driver(ram, TestMachine::place(0, 8), {}, TestMachine::tables(0));
};

TEST_F(RngTest, EachRequestIsFilledAnew) {
    std::set<std::string> seen;
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(ask(m, 64), (Used{1, 64}));
        seen.insert(ram.text(kData, 64));
    }
    EXPECT_EQ(seen.size(), 20u);
    EXPECT_EQ(m.config<std::uint32_t>(0), 0x10441af4u);
}

TEST_F(RngTest, ALongRequestIsFilledInPart) {
    ram.fill(kData, 0x10000, 0);
    EXPECT_EQ(ask(m, 0x10000), (Used{1, VirtioRng::kMost}));
    EXPECT_EQ(ram.text(kData + VirtioRng::kMost, 64), std::string(64, 0));
}

TEST_F(RngTest, GoesOnInTheNextGeneration) {
    EXPECT_EQ(ask(m, 8), (Used{1, 8}));
    TestMachine next(ram, std::make_unique<VirtioRng>("rng0"));
    m.hand_over(next);
    EXPECT_EQ(ask(next, 8), (Used{1, 8}));
}

TEST_F(RngTest, ARequestWithoutRoomNeedsAReset) {
    EXPECT_TRUE(driver->add({{kData, 8}}, 1));
    m.notify(0);
    EXPECT_TRUE(soon([&] { return (m.status() & VIRTIO_CONFIG_S_NEEDS_RESET) != 0; }));
}

} // namespace
} // namespace segue::vmm
