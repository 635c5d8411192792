// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/acpi_pm/acpi_pm.hpp"

#include <gmock/gmock.h>

#include <array>

#include "core/state/reader.hpp"
#include "vmm/devices/recording_events.hpp"

namespace segue::vmm {
namespace {

struct Wire final : IrqLine {
    void set(bool l) noexcept override {
        ++changes;
        level = l;
    }
    bool level = false;
    int changes = 0;
};

class AcpiPmTest : public testing::Test {
protected:
    enum { Status = 0, Enable = 2, Control = 4 };
    int in(std::uint16_t port) {
        std::array<std::byte, 2> b = {};
        pm.read(port, b);
        return std::to_integer<int>(b[0]) | std::to_integer<int>(b[1]) << 8;
    }
    void out(std::uint16_t port, int value) {
        const std::array<std::byte, 2> b = {static_cast<std::byte>(value),
                                            static_cast<std::byte>(value >> 8)};
        pm.write(port, b);
    }
    void out_byte(std::uint16_t port, int value) {
        const std::array<std::byte, 1> b = {static_cast<std::byte>(value)};
        pm.write(port, b);
    }
    static constexpr int kButton = 0x100;
    RecordingEvents events;
    Wire sci;
    AcpiPm pm{events, sci};
};

TEST_F(AcpiPmTest, IsAlwaysInAcpiMode) {
    EXPECT_EQ(in(Control), 1);
    out(Control, 0);
    EXPECT_EQ(in(Control), 1);
}

TEST_F(AcpiPmTest, TheButtonRaisesTheSciUntilItsStatusIsCleared) {
    out(Enable, kButton);
    EXPECT_EQ(in(Enable), kButton);
    ASSERT_TRUE(pm.press_power_button().ok());
    EXPECT_EQ(in(Status), kButton);
    EXPECT_TRUE(sci.level);
    ASSERT_TRUE(pm.press_power_button().ok()); // once more, not yet heard
    out(Status, 0x200);                        // another bit
    EXPECT_TRUE(sci.level);
    out(Status, kButton);
    EXPECT_EQ(in(Status), 0);
    EXPECT_FALSE(sci.level);
    EXPECT_EQ(sci.changes, 2);
    EXPECT_TRUE(events.all().empty());
}

TEST_F(AcpiPmTest, DisablingTheEventLowersTheSciAndKeepsTheStatus) {
    out(Enable, kButton);
    ASSERT_TRUE(pm.press_power_button().ok());
    out(Enable, 0);
    EXPECT_FALSE(sci.level);
    EXPECT_EQ(in(Status), kButton);
    out(Enable, kButton);
    EXPECT_TRUE(sci.level);
}

TEST_F(AcpiPmTest, EveryEventCanBeEnabledButOnlyTheButtonComes) {
    out(Enable, 0xffff);
    EXPECT_EQ(in(Enable), 0x0721);
    EXPECT_EQ(in(Status), 0);
    EXPECT_FALSE(sci.level);
}

TEST_F(AcpiPmTest, AButtonThatNobodyHearsIsRefused) {
    const auto pressed = pm.press_power_button();
    ASSERT_EQ(pressed.code(), Code::Refused);
    EXPECT_THAT(pressed.error().what(), testing::HasSubstr("power button"));
    EXPECT_THAT(pressed.error().way_out(), testing::HasSubstr("--force"));
    out(Enable, kButton);
    EXPECT_FALSE(sci.level);
}

TEST_F(AcpiPmTest, SleepType5WithTheSleepBitIsPowerOff) {
    out(Control, 5 << 10);
    EXPECT_TRUE(events.all().empty());
    EXPECT_EQ(in(Control), 5 << 10 | 1);
    out(Control, 5 << 10 | 1 << 13);
    ASSERT_EQ(events.all().size(), 1u);
    EXPECT_EQ(events.all()[0].kind, GuestEvent::Kind::Shutdown);
    EXPECT_EQ(events.all()[0].code, 0u);
    EXPECT_EQ(in(Control)&1 << 13, 0); // write-only
}

TEST_F(AcpiPmTest, SleepType3WithTheSleepBitIsSuspend) {
    out(Control, 3 << 10);
    EXPECT_TRUE(events.all().empty());
    out(Control, 3 << 10 | 1 << 13);
    ASSERT_EQ(events.all().size(), 1u);
    EXPECT_EQ(events.all()[0].kind, GuestEvent::Kind::Suspend);
}

TEST_F(AcpiPmTest, AGuestThatWakesReadsThatItsButtonDidIt) {
    pm.reset();
    pm.wake();
    EXPECT_EQ(in(Status), 0x8100);
    EXPECT_FALSE(sci.level) << "nothing is enabled yet";
    out(Enable, kButton);
    EXPECT_TRUE(sci.level);
    out(Status, kButton);
    EXPECT_EQ(in(Status), 0x8000);
    EXPECT_FALSE(sci.level);
    out(Status, 0x8000);
    EXPECT_EQ(in(Status), 0);
}

TEST_F(AcpiPmTest, OtherSleepTypesAreNothing) {
    for (const int type : {0, 1, 2, 4, 6, 7})
        out(Control, type << 10 | 1 << 13);
    EXPECT_TRUE(events.all().empty());
}

TEST_F(AcpiPmTest, TakesBytesToo) {
    out_byte(Enable + 1, 1);
    EXPECT_EQ(in(Enable), kButton);
    ASSERT_TRUE(pm.press_power_button().ok());
    out_byte(Status, 0xff);
    EXPECT_TRUE(sci.level);
    out_byte(Status + 1, 1);
    EXPECT_FALSE(sci.level);
    out_byte(Control + 1, 0x34);
    EXPECT_EQ(events.all().size(), 1u);
}

// Of one section, as a container holds it.
template <class Write>
state::Reader container(state::Writer& writer, Write write) {
    writer.begin("acpi-pm", "", AcpiPmState::kRevision);
    write(writer);
    writer.end();
    return state::Reader::parse(writer.finish()).value();
}

TEST_F(AcpiPmTest, EveryFieldTravelsAndAPressIsNotLost) {
    const AcpiPmState full = {kButton, kButton, 5 << 10, true};
    state::Writer first{state::Header()}, second{state::Header()};
    const auto from = container(first, [&](state::Writer& w) { full.write(w); });
    ASSERT_TRUE(pm.load(**from.take("acpi-pm")).ok());
    EXPECT_EQ(sci.changes, 0); // the level is the interrupt chips' state
    EXPECT_EQ(in(Status), kButton);
    const auto to = container(second, [&](state::Writer& w) { pm.save(w); });
    EXPECT_EQ(AcpiPmState::read(**to.take("acpi-pm")).value(), full);
    out(Status, kButton);
    EXPECT_EQ(sci.changes, 1);
    EXPECT_FALSE(sci.level);
}

TEST_F(AcpiPmTest, AWrongStateChangesNothing) {
    state::Writer writer{state::Header()};
    const auto from = container(writer, [](state::Writer& w) {
        w.put("pm1_status", 0x10000);
        w.put("pm1_enable", 1);
        w.put("pm1_control", 1);
        w.put_flag("line", true);
    });
    EXPECT_EQ(pm.load(**from.take("acpi-pm")).code(), Code::Corrupt);
    EXPECT_EQ(in(Enable), 0);
}

TEST_F(AcpiPmTest, ResetLowersTheSci) {
    out(Enable, kButton);
    ASSERT_TRUE(pm.press_power_button().ok());
    pm.reset();
    EXPECT_FALSE(sci.level);
    EXPECT_EQ(in(Status) | in(Enable), 0);
}

} // namespace
} // namespace segue::vmm
