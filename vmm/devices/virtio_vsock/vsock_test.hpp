// SPDX-License-Identifier: Apache-2.0
// vsock_test.hpp - a virtio socket device with a driver of it and processes of the host's, for
// tests.
#pragma once

#include <linux/virtio_vsock.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include <iostream>
#include <map>

#include <segue/cpp/sys.hpp>

#include "core/base/temp_dir.hpp"
#include "core/base/unix_socket.hpp"
#include "vmm/devices/virtio_vsock/virtio_vsock.hpp"
#include "vmm/virtio/test_machine.hpp"

namespace segue::vmm {

// A packet as it came, or is to be sent.
struct Packet {
    virtio_vsock_hdr h = {};
    std::string payload;
};

class VsockTest : public testing::Test {
protected:
    static constexpr std::uint64_t kCid = 42;
    static constexpr std::uint32_t kGuestPort = 5000, kHostPort = 77;
    static constexpr std::uint16_t kSize = 8;
    static constexpr std::uint64_t kReceiveBuffers = 0x40000, kEventBuffer = 0x3f000,
                                   kSendBuffer = 0x78000; // across the end of a region
    using Machine = std::unique_ptr<virtio::TestMachine>;

    // A stream between a process of the host's and `guest_port`.
    struct Stream {
        UniqueFd host;
        std::uint32_t host_port = 0, guest_port = 0;
    };

    VsockConfig config() const { return {"vsock0", kCid, dir.path() + "/vsock"}; }
    Machine machine(bool reopened = false) {
        if (inventory.find("vsock.vsock0") < 0) {
            EXPECT_TRUE(open_vsock(config(), inventory).ok());
        }
        VsockHostEnd end = adopt_vsock(config(), inventory).value();
        end.reopened = reopened;
        return std::make_unique<virtio::TestMachine>(ram,
                                                     VirtioVsock::create(config(), end).value());
    }
    // With a driver whose receive buffers have so many bytes; it gives them unless told not to.
    Machine running(std::uint32_t room_bytes = 4096, bool gives_room = true) {
        Machine m = machine();
        m->device().activate();
        ram.fill(0x1000, 0xf000, 0); // where the rings are
        m->bring_up(virtio::kVersion1, kSize);
        for (unsigned q = 0; q < 3; ++q)
            ring[q] = virtio::make_driver(ram, virtio::TestMachine::place(q, kSize), {}, 0);
        buffer_bytes = room_bytes;
        for (std::uint16_t t = 0; gives_room && t < kSize; ++t)
            give_room(*m, t);
        return m;
    }
    void next_generation(Machine& m) {
        Machine later = machine();
        m->hand_over(*later);
        m = std::move(later);
    }
    static std::uint64_t buffer(std::uint16_t token) { return kReceiveBuffers + 0x2000ull * token; }
    void give_room(virtio::TestMachine& m, std::uint16_t token) {
        ASSERT_TRUE(ring[0]->add({{buffer(token), buffer_bytes, true}}, token));
        m.notify(0);
    }

    // The guest's side.
    Packet packet(std::uint16_t op, std::uint32_t host_port, std::uint32_t guest_port,
                  std::string payload = "") const {
        Packet p;
        p.h = {kCid,
               2,
               guest_port,
               host_port,
               static_cast<std::uint32_t>(payload.size()),
               VIRTIO_VSOCK_TYPE_STREAM,
               op,
               0,
               guest_room,
               guest_took};
        p.payload = std::move(payload);
        return p;
    }
    // `bytes`: of the buffer; none: all of it.
    void put(virtio::TestMachine& m, const Packet& p, std::optional<std::size_t> bytes = {}) {
        std::string all(reinterpret_cast<const char*>(&p.h), sizeof p.h);
        all += p.payload;
        ram.put(kSendBuffer, all);
        ASSERT_TRUE(ring[1]->add(
            {{kSendBuffer, static_cast<std::uint32_t>(bytes.value_or(all.size()))}}, 0));
        m.notify(1);
    }
    void send(virtio::TestMachine& m, const Packet& p, std::optional<std::size_t> bytes = {}) {
        put(m, p, bytes);
        ASSERT_TRUE(virtio::soon([&] { return ring[1]->take().has_value(); }));
    }
    // The next that comes, within 30 s; its buffer is room again.
    std::optional<Packet> next(virtio::TestMachine& m) {
        std::optional<virtio::Used> used;
        if (!virtio::soon([&] { return (used = ring[0]->take()).has_value(); }))
            return std::nullopt;
        Packet p;
        p.h = ram.peek<virtio_vsock_hdr>(buffer(used->token));
        EXPECT_EQ(used->written, sizeof p.h + p.h.len);
        p.payload = ram.text(buffer(used->token) + sizeof p.h, p.h.len);
        give_room(m, used->token);
        return p;
    }
    // The next of an operation; payloads that come before are kept in `got`, by the guest's port.
    Packet next(virtio::TestMachine& m, std::uint16_t op) {
        for (;;) {
            const auto p = next(m);
            if (!p) {
                ADD_FAILURE() << "no packet of operation " << op;
                return {};
            }
            got[p->h.dst_port] += p->payload;
            if (p->h.op == op)
                return *p;
        }
    }
    // Whether all that has been put is worked on, and nothing comes but credit.
    bool nothing_comes(virtio::TestMachine& m) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        EXPECT_TRUE(m.device().settle(Deadline::in(std::chrono::seconds(10))).ok());
        m.device().activate();
        while (const auto used = ring[0]->take()) {
            const auto h = ram.peek<virtio_vsock_hdr>(buffer(used->token));
            give_room(m, used->token);
            if (h.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE) {
                said_fwd_cnt = h.fwd_cnt;
                ++credits_said;
                continue;
            }
            std::cerr << "there came operation " << h.op << " of port " << h.src_port << '\n';
            return false;
        }
        return true;
    }

    // Sends bytes that the host does not read, until the device keeps as many as it has room for.
    std::string fill(virtio::TestMachine& m, const Stream& s, unsigned seed) {
        std::string sent;
        said_fwd_cnt = 0;
        while (sent.size() - said_fwd_cnt < 65536) {
            const std::string piece = pattern(
                std::min<std::size_t>(65536 - (sent.size() - said_fwd_cnt), 20'000), ++seed);
            send(m, of(s, VIRTIO_VSOCK_OP_RW, piece));
            sent += piece;
            send(m, of(s, VIRTIO_VSOCK_OP_CREDIT_REQUEST));
            EXPECT_TRUE(nothing_comes(m));
        }
        return sent;
    }

    // The host's side.
    UniqueFd call(const std::string& line) {
        UniqueFd fd = connect_unix(config().path, Deadline::in(std::chrono::seconds(10))).value();
        say(fd, line);
        return fd;
    }
    static void say(const UniqueFd& fd, const std::string& text) {
        EXPECT_TRUE(sys::write_all(fd.get(), std::as_bytes(std::span(text))).ok());
    }
    UniqueFd listen(std::uint32_t port) {
        return listen_unix(path_of_port(config(), port), 0600).value();
    }
    static UniqueFd accept(const UniqueFd& listener) {
        UniqueFd fd;
        EXPECT_TRUE(virtio::soon([&] {
            fd = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
            return static_cast<bool>(fd);
        }));
        return fd;
    }
    // So many bytes, or less where it ends before, with "EOF" behind them.
    static std::string hear(const UniqueFd& fd, std::size_t bytes) {
        std::string text;
        EXPECT_TRUE(virtio::soon([&] {
            std::vector<char> some(bytes - text.size());
            const auto n = ::recv(fd.get(), some.data(), some.size(), MSG_DONTWAIT);
            if (n < 0 && errno == EAGAIN)
                return false;
            text.append(some.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
            if (n <= 0)
                text += "EOF";
            return n <= 0 || text.size() == bytes;
        }));
        return text;
    }
    static std::string pattern(std::size_t bytes, unsigned seed) {
        std::string s(bytes, 0);
        for (char& c : s)
            c = static_cast<char>((seed = seed * 1103515245 + 12345) >> 16);
        return s;
    }

    Stream called(virtio::TestMachine& m, std::uint32_t guest_port) {
        Stream s{call("CONNECT " + std::to_string(guest_port) + "\n"), 0, guest_port};
        const Packet request = next(m, VIRTIO_VSOCK_OP_REQUEST);
        s.host_port = request.h.src_port;
        send(m, packet(VIRTIO_VSOCK_OP_RESPONSE, s.host_port, guest_port));
        const std::string ok = "OK " + std::to_string(s.host_port) + "\n";
        EXPECT_EQ(hear(s.host, ok.size()), ok);
        return s;
    }
    Stream answered(virtio::TestMachine& m, const UniqueFd& listener, std::uint32_t guest_port) {
        send(m, packet(VIRTIO_VSOCK_OP_REQUEST, kHostPort, guest_port));
        Stream s{accept(listener), kHostPort, guest_port};
        EXPECT_EQ(next(m, VIRTIO_VSOCK_OP_RESPONSE).h.dst_port, guest_port);
        return s;
    }
    Packet of(const Stream& s, std::uint16_t op, std::string payload = "") const {
        return packet(op, s.host_port, s.guest_port, std::move(payload));
    }
    Packet shutdown_of(const Stream& s, std::uint32_t flags) const {
        Packet p = of(s, VIRTIO_VSOCK_OP_SHUTDOWN);
        p.h.flags = flags;
        return p;
    }
    // That the stream carries bytes, both ways.
    void try_out(virtio::TestMachine& m, const Stream& s) {
        say(s.host, "to the guest");
        EXPECT_EQ(next(m, VIRTIO_VSOCK_OP_RW).payload, "to the guest");
        send(m, of(s, VIRTIO_VSOCK_OP_RW, "to the host"));
        EXPECT_EQ(hear(s.host, 11), "to the host");
    }

    TempDir dir;
    virtio::TestRam ram;
    inventory::Inventory inventory;
    std::unique_ptr<virtio::DriverRing> ring[3];
    std::uint32_t buffer_bytes = 0;
    std::uint32_t guest_room = 1 << 20, guest_took = 0; // of what packet() makes
    std::uint32_t said_fwd_cnt = 0, credits_said = 0;   // by the device, in nothing_comes()
    std::map<std::uint32_t, std::string> got;
};

} // namespace segue::vmm
