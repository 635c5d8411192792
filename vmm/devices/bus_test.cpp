// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/bus.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

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

class Memory final : public MmioDevice {
public:
    void read(std::uint64_t at, std::span<std::byte> data) override {
        last = at;
        std::fill(data.begin(), data.end(), std::byte{0x5a});
    }
    void write(std::uint64_t at, std::span<const std::byte>) override { last = at; }
    std::atomic<std::uint64_t> last = 0;
};

TEST(MmioBus, ReachesWhatWasAttachedAndNotDetached) {
    Memory a, b;
    MmioBus bus;
    ASSERT_TRUE(bus.attach(0xfffffff000, 0x1000, a).ok());
    EXPECT_EQ(bus.attach(0xfffffff800, 1, b).code(), Code::Exists);
    EXPECT_EQ(bus.attach(~0ull, 2, b).code(), Code::Invalid);
    EXPECT_EQ(bus.attach(0x1000, ~0ull, b).code(), Code::Invalid);
    std::array<std::byte, 8> data = {};
    bus.read(0xfffffff008, data);
    EXPECT_EQ(a.last, 8u);
    EXPECT_EQ(data[7], std::byte{0x5a});
    bus.read(0xfffffffffc, data); // across its end
    EXPECT_EQ(data[0], std::byte{0xff});
    bus.detach(0xfffffff000);
    bus.read(0xfffffff008, data);
    EXPECT_EQ(data[0], std::byte{0xff});
    EXPECT_TRUE(bus.attach(0xfffffff800, 1, b).ok());
}

TEST(MmioBus, RangesMoveWhileOthersRead) {
    Memory still, moving;
    MmioBus bus;
    ASSERT_TRUE(bus.attach(0x1000, 0x1000, still).ok());
    std::atomic<bool> stop = false;
    std::thread reader([&] {
        std::array<std::byte, 4> data = {};
        while (!stop) {
            bus.read(0x1010, data);
            EXPECT_EQ(data[0], std::byte{0x5a});
            bus.read(0x3010, data);
        }
    });
    for (int i = 0; i < 500; ++i) {
        ASSERT_TRUE(bus.attach(0x3000, 0x1000, moving).ok());
        bus.detach(0x3000);
    }
    stop = true;
    reader.join();
}

} // namespace
} // namespace segue::vmm
