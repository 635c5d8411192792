// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/rtc/rtc.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>

#include "core/state/reader.hpp"

namespace segue::vmm {
namespace {

using namespace rtc;

constexpr std::int64_t kNow = 1'740'787'199; // 2025-02-28 23:59:59 UTC, a Friday

struct Wire final : IrqLine {
    void set(bool l) noexcept override {
        rises += l ? 1 : 0;
        level = l;
    }
    std::atomic<bool> level = false;
    std::atomic<int> rises = 0;
};

class RtcTest : public testing::Test {
protected:
    RtcTest() { out(HoursAlarm, 0x12); } // midnight is in the tests' way

    static int in(Rtc& from, int index) {
        out_port(from, 0, index);
        std::array<std::byte, 1> b = {};
        from.read(1, b);
        return std::to_integer<int>(b[0]);
    }
    static void out(Rtc& to, int index, int value) {
        out_port(to, 0, index);
        out_port(to, 1, value);
    }
    int in(int index) { return in(rtc, index); }
    void out(int index, int value) { out(rtc, index, value); }
    static void out_port(Rtc& to, std::uint16_t port, int value) {
        const std::array<std::byte, 1> b = {static_cast<std::byte>(value)};
        to.write(port, b);
    }
    std::array<int, 7> date() {
        return {in(Century), in(Year),    in(Month),  in(DayOfMonth),
                in(Hours),   in(Minutes), in(Seconds)};
    }
    using Date = std::array<int, 7>;
    std::atomic<std::int64_t> now = kNow;
    Wire wire;
    Rtc rtc{wire, [this] { return now.load(); }};
};

TEST_F(RtcTest, ShowsTheHostsTimeInBcdAnd24Hours) {
    EXPECT_EQ(date(), (Date{0x20, 0x25, 0x02, 0x28, 0x23, 0x59, 0x59}));
    EXPECT_EQ(in(DayOfWeek), 6);
    ++now;
    EXPECT_EQ(date(), (Date{0x20, 0x25, 0x03, 0x01, 0x00, 0x00, 0x00}));
    EXPECT_EQ(in(D), 0x80);
    EXPECT_EQ(in(A)&0x80, 0); // never in the middle of an update
}

TEST_F(RtcTest, ShowsItInBinaryAnd12HoursToo) {
    out(B, 0x06);
    EXPECT_EQ(date(), (Date{20, 25, 2, 28, 23, 59, 59}));
    out(B, 0x00);
    EXPECT_EQ(in(Hours), 0x91); // 11 in the afternoon
    now += 1;
    EXPECT_EQ(in(Hours), 0x12); // midnight
    now += 12 * 3600;
    EXPECT_EQ(in(Hours), 0x92); // noon
}

TEST_F(RtcTest, ATimeThatTheGuestSetsGoesOn) {
    out(B, 0x82);
    out(Century, 0x19), out(Year, 0x99), out(Month, 0x12), out(DayOfMonth, 0x31);
    out(Hours, 0x23), out(Minutes, 0x58), out(Seconds, 0x59);
    now += 100; // it stands still meanwhile
    EXPECT_EQ(date(), (Date{0x19, 0x99, 0x12, 0x31, 0x23, 0x58, 0x59}));
    out(B, 0x02);
    now += 61;
    EXPECT_EQ(date(), (Date{0x20, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00}));
}

TEST_F(RtcTest, ASingleByteOfARunningClockCanBeSet) {
    out(Hours, 0x07);
    EXPECT_EQ(date(), (Date{0x20, 0x25, 0x02, 0x28, 0x07, 0x59, 0x59}));
    now += 1;
    EXPECT_EQ(date(), (Date{0x20, 0x25, 0x02, 0x28, 0x08, 0x00, 0x00}));
}

TEST_F(RtcTest, AWordIsIndexAndDataAtOnce) {
    const std::array<std::byte, 2> word = {std::byte{0x41}, std::byte{0x77}};
    rtc.write(0, word);
    EXPECT_EQ(in(0x41), 0x77);
    std::array<std::byte, 2> back = {};
    rtc.read(0, back);
    EXPECT_EQ(back, word);
}

TEST_F(RtcTest, AnyBytesAreSomeTime) {
    for (const int b : {0x00, 0x02, 0x04, 0x06}) {
        out(B, 0x80 | b);
        for (const int at : {Century, Year, Month, DayOfMonth, Hours, Minutes, Seconds})
            out(at, 0xff);
        out(B, b);
        EXPECT_LE(in(Minutes), 0x59);
    }
}

TEST_F(RtcTest, TheUpdateInterruptComesOnceASecondUntilItIsRead) {
    out(B, k24Hours | kUpdateOn);
    (void)in(C);
    rtc.tick();
    EXPECT_FALSE(wire.level);
    ++now;
    rtc.tick();
    EXPECT_TRUE(wire.level);
    ++now;
    rtc.tick();
    EXPECT_EQ(wire.rises, 1);
    EXPECT_EQ(in(C)&0xb0, kInterrupt | kUpdated);
    EXPECT_FALSE(wire.level);
    EXPECT_EQ(in(C), 0);
}

TEST_F(RtcTest, TheAlarmComesAtItsTimeAndOnlyThen) {
    out(SecondsAlarm, 0x02), out(MinutesAlarm, 0x00), out(HoursAlarm, 0xff); // any hour
    (void)in(C);
    out(B, k24Hours | kAlarmOn);
    now += 2;
    rtc.tick();
    EXPECT_FALSE(wire.level);
    now += 1;
    rtc.tick();
    EXPECT_TRUE(wire.level);
    EXPECT_EQ(in(C) & (kInterrupt | kAlarm), kInterrupt | kAlarm);
    now += 3599;
    rtc.tick();
    EXPECT_FALSE(wire.level);
    now += 1;
    rtc.tick();
    EXPECT_TRUE(wire.level);
}

TEST_F(RtcTest, AnAlarmThatBecameDueInALongPauseIsNotLost) {
    out(SecondsAlarm, 0x30), out(MinutesAlarm, 0x05), out(HoursAlarm, 0x00);
    out(B, k24Hours | kAlarmOn);
    (void)in(C);
    now += 3600;
    rtc.tick();
    EXPECT_TRUE(wire.level);
}

TEST_F(RtcTest, WithoutEnablingThereAreFlagsButNoInterrupt) {
    (void)in(C);
    now += 1;
    rtc.tick();
    EXPECT_FALSE(wire.level);
    EXPECT_EQ(in(C), kUpdated);
}

TEST_F(RtcTest, AHostClockThatIsSetBackIsNoFault) {
    out(B, k24Hours | kUpdateOn);
    (void)in(C);
    now -= 5000;
    rtc.tick();
    EXPECT_FALSE(wire.level);
    ++now;
    rtc.tick();
    EXPECT_TRUE(wire.level);
}

TEST_F(RtcTest, TheNvramKeepsWhatIsWrittenAndAResetToo) {
    out(0x40, 0x5a), out(0x7f, 0xa5), out(Hours, 0x03);
    out(B, k24Hours | kUpdateOn);
    (void)in(C);
    ++now;
    rtc.tick();
    ASSERT_TRUE(wire.level);
    rtc.reset();
    EXPECT_FALSE(wire.level);
    EXPECT_EQ(in(0x40), 0x5a);
    EXPECT_EQ(in(0x7f), 0xa5);
    EXPECT_EQ(in(Hours), 0x04);
    EXPECT_EQ(in(B), k24Hours);
    out(C, 0xff), out(D, 0);
    EXPECT_EQ(in(C), 0);
    EXPECT_EQ(in(D), 0x80);
}

// Of one section, as a container holds it.
template <class Write>
state::Reader container(state::Writer& writer, Write write) {
    writer.begin("rtc", "", RtcState::kRevision);
    write(writer);
    writer.end();
    return state::Reader::parse(writer.finish()).value();
}

TEST_F(RtcTest, EveryFieldTravels) {
    RtcState full;
    full.index = 0x55, full.offset = -77, full.seen = kNow - 9, full.line = true;
    for (std::size_t i = 0; i < full.cmos.size(); ++i)
        full.cmos[i] = static_cast<std::uint8_t>(i + 3);
    state::Writer first{state::Header()}, second{state::Header()};
    const auto from = container(first, [&](state::Writer& w) { full.write(w); });
    ASSERT_TRUE(rtc.load(**from.take("rtc")).ok());
    EXPECT_EQ(wire.rises, 0);
    const auto to = container(second, [&](state::Writer& w) { rtc.save(w); });
    EXPECT_EQ(RtcState::read(**to.take("rtc")).value(), full);
}

TEST_F(RtcTest, AWrongStateChangesNothing) {
    out(0x40, 0x5a);
    const auto refuses = [&](RtcState s) {
        state::Writer writer{state::Header()};
        const auto from = container(writer, [&](state::Writer& w) { s.write(w); });
        EXPECT_EQ(rtc.load(**from.take("rtc")).code(), Code::Corrupt);
    };
    RtcState s;
    s.index = 128;
    refuses(s);
    s.index = 0, s.offset = RtcState::kMaxOffset + 1;
    refuses(s);
    s.offset = 0, s.seen = -1;
    refuses(s);
    EXPECT_EQ(in(0x40), 0x5a);
}

// On the host's own clock: its thread wakes by itself, and only between activate() and settle().
TEST_F(RtcTest, ItsThreadInterruptsWhileTheDeviceIsActive) {
    Wire own;
    Rtc real(own);
    out(real, B, k24Hours | kUpdateOn);
    const auto rises_twice = [&] {
        const int before = own.rises;
        for (const Deadline limit = Deadline::in(std::chrono::seconds(30));
             own.rises < before + 2 && !limit.passed();) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            (void)in(real, C);
        }
        return own.rises >= before + 2;
    };
    real.activate();
    EXPECT_TRUE(rises_twice());
    ASSERT_TRUE(real.settle(Deadline::in(std::chrono::seconds(1))).ok());
    (void)in(real, C);
    const int before = own.rises;
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    EXPECT_EQ(own.rises, before);
    real.activate();
    EXPECT_TRUE(rises_twice());
}

} // namespace
} // namespace segue::vmm
