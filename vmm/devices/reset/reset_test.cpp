// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/reset/reset.hpp"

#include <gtest/gtest.h>

#include <array>

#include "vmm/devices/recording_events.hpp"

namespace segue::vmm {
namespace {

std::array<std::byte, 1> byte(int value) {
    return {std::byte{static_cast<unsigned char>(value)}};
}

TEST(KeyboardReset, OnlyPulsingTheResetLineResets) {
    RecordingEvents events;
    KeyboardReset port(events);
    port.write(0, byte(0xd1));
    port.write(0, byte(0xff));
    EXPECT_TRUE(events.all().empty());
    port.write(0, byte(0xfe));
    ASSERT_EQ(events.all().size(), 1u);
    EXPECT_EQ(events.all()[0].kind, GuestEvent::Kind::Reset);
}

TEST(KeyboardReset, InputBufferReadsEmpty) {
    RecordingEvents events;
    KeyboardReset port(events);
    auto status = byte(0xff);
    port.read(0, status);
    EXPECT_EQ(status[0] & std::byte{2}, std::byte{0});
}

TEST(ResetControl, Bit2Resets) {
    RecordingEvents events;
    ResetControl port(events);
    port.write(0, byte(0x02)); // hard reset chosen, not yet asked for
    EXPECT_TRUE(events.all().empty());
    port.write(0, byte(0x06));
    ASSERT_EQ(events.all().size(), 1u);
    EXPECT_EQ(events.all()[0].kind, GuestEvent::Kind::Reset);
}

} // namespace
} // namespace segue::vmm
