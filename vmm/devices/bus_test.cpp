// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/bus.hpp"

#include <gtest/gtest.h>

#include <array>

namespace segue::vmm {
namespace {

class Recorder final : public PortDevice {
public:
    void read(std::uint16_t port, std::span<std::byte> data) override {
        last_port = port;
        for (std::byte& b : data)
            b = std::byte{0x5a};
    }
    void write(std::uint16_t port, std::span<const std::byte> data) override {
        last_port = port;
        last_value = std::to_integer<int>(data[0]);
    }
    int last_port = -1;
    int last_value = -1;
};

TEST(PortBus, ReachesTheDeviceWithItsOwnPortNumbers) {
    Recorder d;
    PortBus bus;
    ASSERT_TRUE(bus.attach(0x3f8, 8, d).ok());
    std::array<std::byte, 2> data = {std::byte{7}, std::byte{0}};
    bus.write(0x3fb, std::span(data).first(1));
    EXPECT_EQ(d.last_port, 3);
    EXPECT_EQ(d.last_value, 7);
    bus.read(0x3fe, data);
    EXPECT_EQ(d.last_port, 6);
    EXPECT_EQ(data[1], std::byte{0x5a});
}

TEST(PortBus, NobodyReadsAsOnes) {
    Recorder d;
    PortBus bus;
    ASSERT_TRUE(bus.attach(0x3f8, 8, d).ok());
    std::array<std::byte, 4> data = {};
    bus.read(0x3fd, data); // across the end of the range
    EXPECT_EQ(data[0], std::byte{0xff});
    bus.read(0xfffd, data); // across the end of the ports
    EXPECT_EQ(data[3], std::byte{0xff});
    bus.write(0x3f7, std::span<const std::byte>(data).first(1));
    EXPECT_EQ(d.last_port, -1);
}

TEST(PortBus, RefusesOverlapsAndRangesBeyondTheEnd) {
    Recorder d;
    PortBus bus;
    ASSERT_TRUE(bus.attach(0x60, 8, d).ok());
    EXPECT_EQ(bus.attach(0x67, 2, d).code(), Code::Exists);
    EXPECT_EQ(bus.attach(0x5f, 2, d).code(), Code::Exists);
    EXPECT_TRUE(bus.attach(0x68, 1, d).ok());
    EXPECT_EQ(bus.attach(0xffff, 2, d).code(), Code::Invalid);
    EXPECT_EQ(bus.attach(0x100, 0, d).code(), Code::Invalid);
}

} // namespace
} // namespace segue::vmm
