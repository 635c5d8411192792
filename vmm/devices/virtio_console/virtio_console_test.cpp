// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_console/virtio_console.hpp"

#include <linux/virtio_console.h>

#include <gtest/gtest.h>

#include <deque>

#include <segue/cpp/sys.hpp>

#include "core/base/unix_socket.hpp"
#include "tests/support/temp_dir.hpp"
#include "vmm/devices/virtio_console/pty_port.hpp"
#include "vmm/devices/virtio_console/socket_port.hpp"
#include "vmm/virtio/test_machine.hpp"

namespace segue::vmm {
namespace {

using virtio::soon;
using virtio::TestMachine;
using virtio::TestRam;
using virtio::Used;

constexpr std::uint64_t kBuffers = 0x40000; // 4 KiB each, eight a queue
constexpr const char* kPort = "org.qemu.guest_agent.0";

class VirtioConsoleTest : public testing::Test {
protected:
    std::unique_ptr<TestMachine> machine(const std::string& port = kPort) {
        const bool first = inventory.find("port") < 0;
        Pty pty = (first ? open_pty("port", inventory) : adopt_pty("port", inventory)).value();
        if (first)
            host = sys::open(pty.path, O_RDWR | O_NOCTTY | O_NONBLOCK).value();
        return machine_with(PtyPort::create(std::move(pty)).value(), port);
    }
    std::unique_ptr<TestMachine> machine_with(std::unique_ptr<HostPort> end,
                                              const std::string& port = kPort) {
        return std::make_unique<TestMachine>(
            ram, std::make_unique<VirtioConsole>("agent0", port, std::move(end)));
    }
    std::unique_ptr<TestMachine> machine_with_socket() {
        const bool first = inventory.find("port.socket") < 0;
        const PortSocket s = (first ? open_port_socket("port", dir / "agent.sock", inventory)
                                    : adopt_port_socket("port", inventory))
                                 .value();
        return machine_with(SocketPort::create(s).value());
    }
    void bring_up(TestMachine& m, bool ports = true) {
        m.device().activate();
        m.bring_up(virtio::kVersion1 | (ports ? 1ull << VIRTIO_CONSOLE_F_MULTIPORT : 0));
        for (unsigned q = 0; q < 4; ++q)
            ring[q] = make_driver(ram, TestMachine::place(q, 8), {}, 0);
    }
    static std::uint64_t buffer(unsigned queue, std::uint16_t token) {
        return kBuffers + 0x8000ull * queue + 0x1000ull * token;
    }
    void give_room(TestMachine& m, unsigned queue, std::uint16_t token, std::uint32_t bytes) {
        ASSERT_TRUE(ring[queue]->add({{buffer(queue, token), bytes, true}}, token));
        m.notify(queue);
    }
    void send(TestMachine& m, unsigned queue, const std::string& text) {
        const std::uint64_t at = buffer(queue, 0);
        ram.put(at, text);
        ASSERT_TRUE(ring[queue]->add({{at, static_cast<std::uint32_t>(text.size())}}, 0));
        m.notify(queue);
        EXPECT_TRUE(soon([&] { return ring[queue]->take().has_value(); }));
    }
    void control(TestMachine& m, std::uint16_t event, std::uint16_t value) {
        const virtio_console_control c = {0, event, value};
        send(m, 3, {reinterpret_cast<const char*>(&c), sizeof c});
    }
    // The next that comes into `queue`.
    std::string next(unsigned queue) {
        std::optional<Used> used;
        if (!soon([&] { return (used = ring[queue]->take()).has_value(); }))
            return "nothing";
        return ram.text(buffer(queue, used->token), used->written);
    }
    std::string read_host(std::size_t bytes) {
        std::string text;
        EXPECT_TRUE(soon([&] {
            char piece[4096];
            const auto n = ::read(host.get(), piece, std::min(sizeof piece, bytes - text.size()));
            text.append(piece, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
            return text.size() == bytes;
        }));
        return text;
    }
    void type(const std::string& text) {
        EXPECT_TRUE(sys::write_all(host.get(), std::as_bytes(std::span(text))).ok());
    }
    test::TempDir dir;
    TestRam ram;
    inventory::Inventory inventory;
    UniqueFd host;
    std::unique_ptr<virtio::DriverRing> ring[4];
};

TEST_F(VirtioConsoleTest, APortHasItsNameAndCarriesBytesBothWays) {
    auto m = machine();
    bring_up(*m);
    EXPECT_EQ(m->in<std::uint32_t>(VIRTIO_PCI_CAP_DEVICE_CFG, 4), 1u);
    control(*m, VIRTIO_CONSOLE_DEVICE_READY, 1);
    for (std::uint16_t t = 0; t < 4; ++t) // it waits for room
        give_room(*m, 2, t, 64);
    const auto said = [&] { return next(2); };
    EXPECT_EQ(said(), std::string("\0\0\0\0\1\0\1\0", 8)); // PORT_ADD
    control(*m, VIRTIO_CONSOLE_PORT_READY, 1);
    EXPECT_EQ(said(), std::string("\0\0\0\0\7\0\1\0", 8) + kPort);
    EXPECT_EQ(said(), std::string("\0\0\0\0\6\0\1\0", 8)); // PORT_OPEN
    send(*m, 1, "hello");
    EXPECT_EQ(read_host(5), "hello");
    type("early"); // the guest has not opened it
    give_room(*m, 0, 0, 3);
    give_room(*m, 0, 1, 64);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_FALSE(ring[0]->take());
    control(*m, VIRTIO_CONSOLE_PORT_OPEN, 1);
    EXPECT_EQ(next(0), "ear");
    EXPECT_EQ(next(0), "ly");
}

TEST_F(VirtioConsoleTest, WithoutPortsItIsAConsoleAtOnce) {
    auto m = machine("");
    bring_up(*m, false);
    give_room(*m, 0, 0, 64);
    type("x");
    EXPECT_EQ(next(0), "x");
    EXPECT_TRUE(soon([&] { return m->host.sent(TestMachine::kMessage) != 0; }));
}

TEST_F(VirtioConsoleTest, WithoutANameItSaysThatItIsAConsole) {
    auto m = machine("");
    bring_up(*m);
    give_room(*m, 2, 0, 64);
    control(*m, VIRTIO_CONSOLE_PORT_READY, 1);
    EXPECT_EQ(next(2), std::string("\0\0\0\0\4\0\1\0", 8));
}

// More than the socket and the device hold while nobody reads: the guest waits. The client, which
// stays, gets every byte once, over any number of updates.
TEST_F(VirtioConsoleTest, AClientOfTheSocketStaysAndMissesNothing) {
    auto m = machine_with_socket();
    bring_up(*m);
    host = connect_unix(dir / "agent.sock", Deadline::in(std::chrono::seconds(10))).value();
    ASSERT_EQ(::fcntl(host.get(), F_SETFL, O_NONBLOCK), 0);
    control(*m, VIRTIO_CONSOLE_PORT_OPEN, 1);
    type("in");
    std::string sent, got;
    const auto update = [&] {
        auto later = machine_with_socket();
        m->hand_over(*later);
        m = std::move(later);
    };
    // Until one is not taken for a while, and then that one, too.
    for (bool taken = true; taken;) {
        const std::string text(4000, static_cast<char>('a' + sent.size() / 4000 % 26));
        ram.put(buffer(1, 0), text);
        ASSERT_TRUE(ring[1]->add({{buffer(1, 0), 4000, false}}, 0));
        m->notify(1);
        sent += text;
        taken = false;
        for (int i = 0; i < 50 && !taken; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            taken = ring[1]->take().has_value();
        }
        ASSERT_LT(sent.size(), 64u << 20) << "it never waits";
    }
    for (int i = 0; i < 3; ++i) {
        update();
        got += read_host(5000);
    }
    got += read_host(sent.size() - got.size());
    EXPECT_TRUE(got == sent);
    give_room(*m, 0, 0, 64);
    EXPECT_EQ(next(0), "in");
}

// Bytes on their way in either direction, and messages that the guest had no room for.
TEST_F(VirtioConsoleTest, NothingIsLostInAnUpdate) {
    auto m = machine();
    bring_up(*m);
    control(*m, VIRTIO_CONSOLE_PORT_OPEN, 1);
    control(*m, VIRTIO_CONSOLE_DEVICE_READY, 1);
    type("in");
    std::string sent;
    for (int i = 0; i < 10; ++i) { // more than a pty holds
        const std::string text(4000, static_cast<char>('a' + i));
        send(*m, 1, text);
        sent += text;
    }
    std::string got;
    for (int i = 0; i < 3; ++i) {
        auto later = machine();
        m->hand_over(*later);
        m = std::move(later);
        got += read_host(5000);
    }
    got += read_host(sent.size() - got.size());
    EXPECT_EQ(got, sent);
    give_room(*m, 0, 0, 64);
    EXPECT_EQ(next(0), "in");
    give_room(*m, 2, 0, 64);
    EXPECT_EQ(next(2), std::string("\0\0\0\0\1\0\1\0", 8));
    type("more");
    give_room(*m, 0, 1, 64);
    EXPECT_EQ(next(0), "more");
}

TEST_F(VirtioConsoleTest, WhereNobodyReadsTheOldestGiveWay) {
    auto m = machine();
    bring_up(*m);
    for (int i = 0; i < 100; ++i)
        send(*m, 1, std::string(4000, static_cast<char>('0' + i % 10)));
    send(*m, 1, "end");
    std::string all;
    EXPECT_TRUE(soon([&] {
        char piece[4096];
        const auto n = ::read(host.get(), piece, sizeof piece);
        all.append(piece, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
        return all.size() > 3 && all.substr(all.size() - 3) == "end";
    }));
    EXPECT_LT(all.size(), 100u * 4000);
}

TEST_F(VirtioConsoleTest, AFloodOfMessagesHasABound) {
    auto m = machine();
    bring_up(*m);
    for (int i = 0; i < 100; ++i)
        control(*m, VIRTIO_CONSOLE_DEVICE_READY, 1);
    send(*m, 3, "shor"); // no message at all
    for (std::uint16_t t = 0; t < 8; ++t)
        give_room(*m, 2, t, 64);
    int n = 0;
    for (; n < 8; ++n)
        EXPECT_NE(next(2), "nothing");
    for (std::uint16_t t = 0; t < 8; ++t)
        give_room(*m, 2, t, 64);
    for (; n < 16; ++n)
        EXPECT_NE(next(2), "nothing");
    give_room(*m, 2, 0, 64);
    ASSERT_TRUE(m->device().settle(Deadline::in(std::chrono::seconds(10))).ok());
    EXPECT_FALSE(ring[2]->take());
}

} // namespace
} // namespace segue::vmm
