// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/debug_exit/debug_exit.hpp"

#include <gtest/gtest.h>

#include <array>

#include "vmm/devices/recording_events.hpp"

namespace segue::vmm {
namespace {

TEST(DebugExit, WritesOfAnyWidthAreTheExitCode) {
    RecordingEvents events;
    DebugExit port(events);
    const std::array<std::byte, 4> value = {std::byte{0x11}, std::byte{0x22}, std::byte{0x33},
                                            std::byte{0x44}};
    port.write(0, std::span(value).first(1));
    port.write(0, std::span(value).first(2));
    port.write(0, value);
    ASSERT_EQ(events.all().size(), 3u);
    EXPECT_EQ(events.all()[0].kind, GuestEvent::Kind::Shutdown);
    EXPECT_EQ(events.all()[0].code, 0x11u);
    EXPECT_EQ(events.all()[1].code, 0x2211u);
    EXPECT_EQ(events.all()[2].code, 0x44332211u);
}

TEST(DebugExit, ReadsDoNothing) {
    RecordingEvents events;
    DebugExit port(events);
    std::array<std::byte, 1> value = {std::byte{9}};
    port.read(0, value);
    EXPECT_EQ(value[0], std::byte{0});
    EXPECT_TRUE(events.all().empty());
}

} // namespace
} // namespace segue::vmm
