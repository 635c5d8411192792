// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/serial/serial.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "core/state/reader.hpp"

namespace segue::vmm {
namespace {

struct Wire final : IrqLine {
    void set(bool l) noexcept override {
        rises += l && !level;
        level = l;
    }
    bool level = false;
    int rises = 0;
};

struct Peer final : SerialPeer {
    void transmitted(std::uint8_t byte) noexcept override { text += static_cast<char>(byte); }
    void room() noexcept override { ++rooms; }
    std::string text;
    int rooms = 0;
};

class SerialTest : public testing::Test {
protected:
    enum {
        Rbr = 0,
        Thr = 0,
        Ier = 1,
        Iir = 2,
        Fcr = 2,
        Lcr = 3,
        Mcr = 4,
        Lsr = 5,
        Msr = 6,
        Scr = 7
    };
    int in(std::uint16_t port) {
        std::array<std::byte, 1> b = {};
        serial.read(port, b);
        return std::to_integer<int>(b[0]);
    }
    void out(std::uint16_t port, int value) {
        const std::array<std::byte, 1> b = {std::byte{static_cast<unsigned char>(value)}};
        serial.write(port, b);
    }
    std::size_t type(const std::string& text) {
        return serial.receive(std::as_bytes(std::span(text)));
    }
    Wire wire;
    Peer peer;
    Serial serial{peer, wire};
};

TEST_F(SerialTest, TransmitsAtOnceAndIsAlwaysEmpty) {
    EXPECT_EQ(in(Lsr), 0x60);
    out(Thr, 'h');
    out(Thr, 'i');
    EXPECT_EQ(peer.text, "hi");
    EXPECT_EQ(in(Lsr), 0x60);
    EXPECT_FALSE(wire.level); // no interrupt is enabled
}

TEST_F(SerialTest, DivisorLatchHidesDataAndInterruptEnable) {
    out(Lcr, 0x83);
    out(0, 0x01);
    out(1, 0x02);
    EXPECT_EQ(in(0), 0x01);
    EXPECT_EQ(in(1), 0x02);
    out(Lcr, 0x03);
    EXPECT_EQ(in(Ier), 0);
    EXPECT_EQ(peer.text, "");
    EXPECT_EQ(in(Lcr), 0x03);
}

TEST_F(SerialTest, ScratchAndModemRegisters) {
    out(Scr, 0xa5);
    EXPECT_EQ(in(Scr), 0xa5);
    EXPECT_EQ(in(Msr), 0xb0);
    out(Mcr, 0x1a); // loop, OUT2, RTS: read back as carrier and clear to send
    EXPECT_EQ(in(Msr), 0x90);
    EXPECT_EQ(in(Mcr), 0x1a);
}

TEST_F(SerialTest, LoopModeSendsToItself) {
    out(Mcr, 0x10);
    out(Thr, 'x');
    EXPECT_EQ(peer.text, "");
    EXPECT_EQ(in(Lsr)&1, 1);
    EXPECT_EQ(in(Rbr), 'x');
}

TEST_F(SerialTest, TransmitterEmptyInterruptRisesWithEachByteAndFallsWithIir) {
    out(Ier, 2);
    EXPECT_TRUE(wire.level);
    EXPECT_EQ(in(Iir), 0x02);
    EXPECT_FALSE(wire.level);
    EXPECT_EQ(in(Iir), 0x01);
    out(Thr, 'a');
    EXPECT_EQ(wire.rises, 2);
    out(Thr, 'b'); // not acknowledged: an edge all the same
    EXPECT_EQ(wire.rises, 3);
    out(Ier, 0);
    EXPECT_FALSE(wire.level);
}

TEST_F(SerialTest, ReceiverHoldsOneByteWithoutFifos) {
    EXPECT_EQ(serial.receive_room(), 1u);
    EXPECT_EQ(type("abc"), 1u);
    EXPECT_EQ(serial.receive_room(), 0u);
    EXPECT_EQ(in(Rbr), 'a');
    EXPECT_EQ(peer.rooms, 1);
    EXPECT_EQ(type("bc"), 1u);
}

TEST_F(SerialTest, FifoHolds16AndInterruptsByTriggerAndTimeout) {
    out(Fcr, 0x81); // trigger at 8
    out(Ier, 1);
    EXPECT_EQ(type("1234567"), 7u);
    EXPECT_TRUE(wire.level);
    EXPECT_EQ(in(Iir), 0xcc);
    EXPECT_EQ(type("890123456789"), 9u);
    EXPECT_EQ(in(Iir), 0xc4);
    for (const char c : std::string("1234567890123456"))
        EXPECT_EQ(in(Rbr), c);
    EXPECT_FALSE(wire.level);
    EXPECT_EQ(in(Iir), 0xc1);
    EXPECT_EQ(peer.rooms, 1);
}

TEST_F(SerialTest, ClearingTheFifoMakesRoom) {
    out(Fcr, 0x01);
    type("0123456789abcdef");
    out(Fcr, 0x03);
    EXPECT_EQ(in(Lsr)&1, 0);
    EXPECT_EQ(peer.rooms, 1);
}

TEST_F(SerialTest, OverrunIsAnErrorThatReadingClears) {
    out(Mcr, 0x10);
    out(Ier, 4);
    out(Thr, 'x');
    out(Thr, 'y');
    EXPECT_EQ(in(Iir), 0x06);
    EXPECT_EQ(in(Lsr), 0x63);
    EXPECT_FALSE(wire.level);
    EXPECT_EQ(in(Lsr), 0x61);
}

SerialState filled() {
    SerialState s;
    s.ier = 3, s.fcr = 0x81, s.lcr = 0x13, s.mcr = 0x0b, s.lsr = 2, s.scr = 0x77, s.dll = 1;
    s.dlm = 2, s.thr_interrupt = true, s.line = true, s.received_count = 3;
    s.received = {'a', 'b', 'c'};
    return s;
}

state::Reader container(state::Writer& writer, const Device& device) {
    writer.begin("serial", "com1", SerialState::kRevision);
    device.save(writer);
    writer.end();
    return state::Reader::parse(writer.finish()).value();
}

TEST_F(SerialTest, EveryFieldTravels) {
    state::Writer first{state::Header()};
    first.begin("serial", "com1", SerialState::kRevision);
    filled().write(first);
    first.end();
    const auto from = state::Reader::parse(first.finish()).value();
    ASSERT_TRUE(serial.load(**from.take("serial", "com1")).ok());
    state::Writer second{state::Header()};
    const auto to = container(second, serial);
    EXPECT_EQ(SerialState::read(**to.take("serial", "com1")).value(), filled());
    EXPECT_EQ(wire.rises, 0); // the wire's level is the interrupt chip's state
    EXPECT_EQ(in(Lsr), 0x63);
    EXPECT_EQ(in(Rbr), 'a');
}

TEST_F(SerialTest, ResetIsAsNew) {
    out(Ier, 2);
    out(Scr, 1);
    serial.reset();
    EXPECT_FALSE(wire.level);
    EXPECT_EQ(in(Scr), 0);
    EXPECT_EQ(in(Ier), 0);
}

} // namespace
} // namespace segue::vmm
