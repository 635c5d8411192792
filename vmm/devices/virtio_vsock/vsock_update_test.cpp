// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "vmm/devices/virtio_vsock/vsock_test.hpp"

namespace segue::vmm {
namespace {

using testing::HasSubstr;

class VsockUpdateTest : public VsockTest {
protected:
    static Status settle(virtio::TestMachine& m) {
        return m.device().settle(Deadline::in(std::chrono::seconds(10)));
    }
};

TEST_F(VsockUpdateTest, ConnectionsStayAndBytesOnTheirWayArriveOnce) {
    auto m = running();
    const UniqueFd listener = listen(kHostPort);
    const Stream a = called(*m, 1), b = answered(*m, listener, 2);
    guest_room = 100;
    send(*m, of(b, VIRTIO_VSOCK_OP_CREDIT_UPDATE));
    const std::string up = fill(*m, a, 1), down = pattern(5000, 7);
    say(b.host, down);
    std::string at_host, at_guest = next(*m, VIRTIO_VSOCK_OP_RW).payload;
    for (int generation = 0; generation < 5; ++generation) {
        next_generation(m);
        at_host += hear(a.host, up.size() / 5);
        guest_took = static_cast<std::uint32_t>(at_guest.size());
        guest_room = 700;
        send(*m, of(b, VIRTIO_VSOCK_OP_CREDIT_UPDATE));
        at_guest += next(*m, VIRTIO_VSOCK_OP_RW).payload;
    }
    while (at_guest.size() < down.size()) {
        guest_took = static_cast<std::uint32_t>(at_guest.size());
        send(*m, of(b, VIRTIO_VSOCK_OP_CREDIT_UPDATE));
        at_guest += next(*m, VIRTIO_VSOCK_OP_RW).payload;
    }
    at_host += hear(a.host, up.size() - at_host.size());
    EXPECT_TRUE(at_host == up);
    EXPECT_TRUE(at_guest == down);
    guest_room = 1 << 20;
    guest_took = 0;
    try_out(*m, a);
    try_out(*m, called(*m, 3));
    try_out(*m, answered(*m, listener, 4));
}

TEST_F(VsockUpdateTest, WhatHasOnlyBegunGoesOn) {
    auto m = running();
    const UniqueFd greeting = call("CONNECT 50"), requested = call("CONNECT 6000\n");
    const Packet request = next(*m, VIRTIO_VSOCK_OP_REQUEST);
    next_generation(m);
    const UniqueFd waiting = call("CONNECT 7000\n");
    next_generation(m);
    EXPECT_EQ(next(*m, VIRTIO_VSOCK_OP_REQUEST).h.dst_port, 7000u);
    say(greeting, "00\n");
    EXPECT_EQ(next(*m, VIRTIO_VSOCK_OP_REQUEST).h.dst_port, 5000u);
    send(*m, packet(VIRTIO_VSOCK_OP_RESPONSE, request.h.src_port, 6000));
    EXPECT_EQ(hear(requested, 3), "OK ");
}

TEST_F(VsockUpdateTest, WhatTheGuestHadNoRoomForIsSaidLater) {
    auto m = running(4096, false);
    const UniqueFd host = call("CONNECT 5000\n");
    send(*m, packet(VIRTIO_VSOCK_OP_RW, 1, 2, "of nobody"));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    next_generation(m);
    next_generation(m);
    for (std::uint16_t t = 0; t < kSize; ++t)
        give_room(*m, t);
    EXPECT_EQ(next(*m)->h.op, VIRTIO_VSOCK_OP_RST);
    EXPECT_EQ(next(*m)->h.op, VIRTIO_VSOCK_OP_REQUEST);
    EXPECT_TRUE(nothing_comes(*m));
}

TEST_F(VsockUpdateTest, HalvesThatHaveEndedStayEnded) {
    auto m = running();
    const Stream a = called(*m, 1), b = called(*m, 2);
    ASSERT_EQ(::shutdown(a.host.get(), SHUT_WR), 0);
    (void)next(*m, VIRTIO_VSOCK_OP_SHUTDOWN);
    const std::string sent = fill(*m, b, 3);
    send(*m, shutdown_of(b, 3)); // of a host that has not read yet
    next_generation(m);
    EXPECT_TRUE(nothing_comes(*m)); // nothing is said twice
    EXPECT_TRUE(hear(b.host, sent.size() + 1) == sent + "EOF");
    EXPECT_EQ(next(*m, VIRTIO_VSOCK_OP_RST).h.dst_port, 2u);
    send(*m, of(a, VIRTIO_VSOCK_OP_RW, "on"));
    EXPECT_EQ(hear(a.host, 2), "on");
}

// Both what is put aside and what the standby has seen of it must be gone: a copy would keep the
// stream open for the host.
TEST_F(VsockUpdateTest, AfterAFailedUpdateItGoesOnWhereItWas) {
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    for (int attempt = 0; attempt < 3; ++attempt) {
        auto standby = machine();
        ASSERT_TRUE(standby->load(m->saved()).ok());
        ASSERT_TRUE(settle(*m).ok());
        ASSERT_TRUE(settle(*m).ok()); // again in the pause
        say(s.host, "in the pause");
        ASSERT_TRUE(standby->load(m->saved()).ok());
        standby.reset();
        m->device().activate();
        EXPECT_EQ(next(*m, VIRTIO_VSOCK_OP_RW).payload, "in the pause");
        try_out(*m, s);
    }
    EXPECT_TRUE(adopt_vsock(config(), inventory)->pouch.look()->empty());
    next_generation(m);
    try_out(*m, s);
    send(*m, of(s, VIRTIO_VSOCK_OP_RST));
    EXPECT_EQ(hear(s.host, 1), "EOF");
}

// A guest that is paused by hand is settled before the update begins.
TEST_F(VsockUpdateTest, APausedGuestMayBeUpdatedMoreThanOnce) {
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    ASSERT_TRUE(settle(*m).ok());
    {
        const auto failed = machine();
        ASSERT_TRUE(failed->load(m->saved()).ok());
    }
    auto second = machine();
    ASSERT_TRUE(second->load(m->saved()).ok());
    ASSERT_TRUE(second->load(m->saved()).ok());
    auto third = machine(); // not resumed in between
    ASSERT_TRUE(third->load(second->saved()).ok());
    m.reset();
    second.reset();
    third->device().activate();
    try_out(*third, s);
}

TEST_F(VsockUpdateTest, AStreamThatDidNotComeIsAnError) {
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    ASSERT_TRUE(settle(*m).ok());
    adopt_vsock(config(), inventory)->pouch.clear();
    const auto standby = machine();
    const Status lost = standby->load(m->saved());
    ASSERT_FALSE(lost.ok());
    EXPECT_THAT(lost.error().what(), HasSubstr("vsock0"));
    EXPECT_THAT(lost.error().what(), HasSubstr("port 5000"));
}

// A probe has nothing of the host's.
TEST_F(VsockUpdateTest, AProbeReadsTheState) {
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    ASSERT_TRUE(settle(*m).ok());
    virtio::TestMachine probe(ram, VirtioVsock::create(config(), {}).value());
    EXPECT_TRUE(probe.load(m->saved()).ok());
    EXPECT_EQ(probe.saved(), m->saved());
}

TEST_F(VsockUpdateTest, AGuestThatRestedIsToldThatItsConnectionsAreGone) {
    auto m = running();
    const Stream old = called(*m, kGuestPort);
    put(*m, of(old, VIRTIO_VSOCK_OP_RW, "x"));
    ASSERT_TRUE(settle(*m).ok());
    const auto state = m->saved();
    m.reset();
    inventory = {}; // the old process has ended
    EXPECT_TRUE(virtio::soon([&] { return hear(old.host, 1).size() != 1; }));
    m = machine(true);
    ASSERT_TRUE(m->load(state).ok());
    put(*m, of(old, VIRTIO_VSOCK_OP_RW, "of the old one"));
    m->device().activate();
    EXPECT_TRUE(nothing_comes(*m)); // before it knows
    ram.poke<std::uint32_t>(kEventBuffer, 0xffffffff);
    ASSERT_TRUE(ring[2]->add({{kEventBuffer, 4, true}}, 0));
    m->notify(2);
    std::optional<virtio::Used> used;
    ASSERT_TRUE(virtio::soon([&] { return (used = ring[2]->take()).has_value(); }));
    EXPECT_EQ(used->written, 4u);
    EXPECT_EQ(ram.peek<std::uint32_t>(kEventBuffer),
              std::uint32_t{VIRTIO_VSOCK_EVENT_TRANSPORT_RESET});
    EXPECT_EQ(next(*m)->h.op, VIRTIO_VSOCK_OP_RST); // what it sent on is of no connection
    while (ring[1]->take()) {
    }
    const Stream anew = called(*m, kGuestPort);
    try_out(*m, anew);
    ASSERT_TRUE(ring[2]->add({{kEventBuffer, 4, true}}, 0));
    m->notify(2);
    EXPECT_TRUE(nothing_comes(*m));
    EXPECT_FALSE(ring[2]->take()); // told once
}

TEST_F(VsockUpdateTest, ABrokenStateIsRefused) {
    VirtioVsockState good;
    good.next_id = 3;
    good.connections.resize(2);
    good.connections[0].id = 1;
    good.connections[0].line = {std::byte{'C'}};
    good.connections[1].id = 2;
    good.connections[1].stage = VsockStage::Open;
    good.connections[1].output.resize(VsockConnectionState::kRoom);
    good.resets.push_back({2, 3, 4, 1});
    const auto read = [](const VirtioVsockState& s) {
        state::Writer w{state::Header()};
        w.begin("virtio-vsock", "", 1);
        s.write(w);
        w.end();
        const auto bytes = w.finish();
        return VirtioVsockState::read(
            **state::Reader::parse(bytes).value().take("virtio-vsock", ""));
    };
    EXPECT_EQ(read(good).value(), good);
    const auto refused = [&](auto change) {
        VirtioVsockState bad = good;
        change(bad);
        return read(bad).code() == Code::Corrupt;
    };
    EXPECT_TRUE(refused([](auto& s) { s.connections[1].output.emplace_back(); }));
    EXPECT_TRUE(refused([](auto& s) { s.connections[0].line.resize(33); }));
    EXPECT_TRUE(refused([](auto& s) { s.connections[1].id = 1; }));
    EXPECT_TRUE(refused([](auto& s) { s.connections[1].id = 3; }));
    EXPECT_TRUE(refused([](auto& s) { s.connections[1].id = 0; }));
    EXPECT_TRUE(refused([](auto& s) { s.connections[1].stage = VsockStage{4}; }));
    EXPECT_TRUE(refused([](auto& s) { s.next_port = 1; }));
    EXPECT_TRUE(refused([](auto& s) {
        s.next_id = 5000;
        for (std::uint64_t id = 3; s.connections.size() <= 1024; ++id)
            s.connections.emplace_back().id = id;
    }));
}

} // namespace
} // namespace segue::vmm
