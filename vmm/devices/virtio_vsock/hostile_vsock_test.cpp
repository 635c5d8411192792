// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_vsock/vsock_test.hpp"

namespace segue::vmm {
namespace {

constexpr std::uint32_t kHeader = sizeof(virtio_vsock_hdr);

class HostileVsockTest : public VsockTest {
protected:
    // The connection is reset on both sides, and the device goes on.
    void expect_reset(virtio::TestMachine& m, const Stream& s) {
        const Packet rst = next(m, VIRTIO_VSOCK_OP_RST);
        EXPECT_EQ(rst.h.src_port, s.host_port);
        EXPECT_EQ(rst.h.dst_port, s.guest_port);
        EXPECT_EQ(hear(s.host, 1), "EOF");
        try_out(m, called(m, 9));
    }
};

TEST_F(HostileVsockTest, PacketsOfNobodyAreDropped) {
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    const Packet good = of(s, VIRTIO_VSOCK_OP_RW, "good");
    for (const std::size_t bytes : {1u, kHeader - 1})
        send(*m, good, bytes);
    Packet p = of(s, VIRTIO_VSOCK_OP_RW, "bad");
    for (const std::uint64_t cid : {0ull, 2ull, 41ull, 42ull << 32}) {
        p.h.src_cid = cid;
        send(*m, p);
    }
    EXPECT_TRUE(nothing_comes(*m));
    send(*m, good);
    EXPECT_EQ(hear(s.host, 4), "good");
}

TEST_F(HostileVsockTest, WhatIsMeantForAnotherIsRefusedInItsName) {
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    Packet p = of(s, VIRTIO_VSOCK_OP_RW, "x");
    p.h.dst_cid = 7;
    send(*m, p);
    const Packet other = *next(*m);
    EXPECT_EQ(other.h.op, VIRTIO_VSOCK_OP_RST);
    EXPECT_EQ(other.h.src_cid, 7u);
    p = of(s, VIRTIO_VSOCK_OP_RW, "x");
    p.h.type = VIRTIO_VSOCK_TYPE_SEQPACKET;
    send(*m, p);
    const Packet type = *next(*m);
    EXPECT_EQ(type.h.op, VIRTIO_VSOCK_OP_RST);
    EXPECT_EQ(type.h.type, VIRTIO_VSOCK_TYPE_SEQPACKET);
    p.h.op = VIRTIO_VSOCK_OP_RST; // which nobody answers
    send(*m, p);
    EXPECT_TRUE(nothing_comes(*m));
    try_out(*m, s);
}

TEST_F(HostileVsockTest, AnOperationThatIsNotKnownOrNotItsTurnEndsTheConnection) {
    auto m = running();
    for (const std::uint16_t op :
         {std::uint16_t{VIRTIO_VSOCK_OP_INVALID}, std::uint16_t{VIRTIO_VSOCK_OP_REQUEST},
          std::uint16_t{VIRTIO_VSOCK_OP_RESPONSE}, std::uint16_t{8}, std::uint16_t{0xffff}}) {
        const Stream s = called(*m, kGuestPort);
        send(*m, of(s, op));
        expect_reset(*m, s);
        send(*m, packet(op == VIRTIO_VSOCK_OP_REQUEST ? 9 : op, 123456, 1)); // of none
        EXPECT_EQ(next(*m, VIRTIO_VSOCK_OP_RST).h.src_port, 123456u);
    }
    const UniqueFd host = call("CONNECT 5000\n");
    const Packet request = next(*m, VIRTIO_VSOCK_OP_REQUEST);
    send(*m, packet(VIRTIO_VSOCK_OP_RW, request.h.src_port, kGuestPort, "too early"));
    EXPECT_EQ(next(*m, VIRTIO_VSOCK_OP_RST).h.src_port, request.h.src_port);
    EXPECT_EQ(hear(host, 1), "EOF");
}

TEST_F(HostileVsockTest, ALengthThatIsNotThereEndsTheConnection) {
    auto m = running();
    for (const std::uint32_t bytes : {5u, 0xffffffffu, 0xffffffffu - kHeader + 1}) {
        const Stream s = called(*m, kGuestPort);
        Packet p = of(s, VIRTIO_VSOCK_OP_RW, "four");
        p.h.len = bytes;
        send(*m, p);
        expect_reset(*m, s);
    }
}

TEST_F(HostileVsockTest, WhatLiesBehindThePayloadIsNotPassedOn) {
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    Packet p = of(s, VIRTIO_VSOCK_OP_RW, "four and more");
    p.h.len = 4;
    send(*m, p);
    p.h.len = 0;
    send(*m, p);
    p = of(s, VIRTIO_VSOCK_OP_CREDIT_UPDATE, "no payload");
    send(*m, p);
    EXPECT_EQ(hear(s.host, 4), "four");
    try_out(*m, s);
}

TEST_F(HostileVsockTest, MoreThanTheCreditEndsTheConnection) {
    auto m = running();
    const Stream s = called(*m, kGuestPort), other = called(*m, 2);
    send(*m, of(s, VIRTIO_VSOCK_OP_RW, std::string(65537, 'x')));
    expect_reset(*m, s);
    const Stream t = called(*m, kGuestPort);
    for (int i = 0; i < 100; ++i) // nobody reads
        send(*m, of(t, VIRTIO_VSOCK_OP_RW, std::string(30'000, 'x')));
    EXPECT_EQ(next(*m, VIRTIO_VSOCK_OP_RST).h.src_port, t.host_port);
    try_out(*m, other);
}

TEST_F(HostileVsockTest, SendingBehindTheEndEndsTheConnection) {
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    send(*m, shutdown_of(s, VIRTIO_VSOCK_SHUTDOWN_SEND | 0xfff0));
    send(*m, of(s, VIRTIO_VSOCK_OP_RW, "more"));
    expect_reset(*m, s);
}

TEST_F(HostileVsockTest, ASecondRequestEndsTheFirst) {
    auto m = running();
    const UniqueFd listener = listen(kHostPort);
    const Stream s = answered(*m, listener, 1);
    send(*m, of(s, VIRTIO_VSOCK_OP_REQUEST));
    expect_reset(*m, s);
}

// 5.10.6.2: it keeps a bounded number of answers, and what asks for more waits in the ring.
TEST_F(HostileVsockTest, AFloodOfStrangersHasABound) {
    auto m = running(4096, false);
    for (int i = 0; i < 256; ++i)
        send(*m, packet(VIRTIO_VSOCK_OP_RW, 1, 1));
    put(*m, packet(VIRTIO_VSOCK_OP_RW, 1, 2));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(m->device().settle(Deadline::in(std::chrono::seconds(10))).ok());
    EXPECT_FALSE(ring[1]->take());
    m->device().activate();
    for (std::uint16_t t = 0; t < kSize; ++t)
        give_room(*m, t);
    for (int i = 0; i < 257; ++i)
        ASSERT_EQ(next(*m)->h.op, VIRTIO_VSOCK_OP_RST);
    EXPECT_TRUE(ring[1]->take());
}

TEST_F(HostileVsockTest, ABufferWithoutRoomNeedsAReset) {
    auto m = running(kHeader);
    const UniqueFd host = call("CONNECT 5000\n");
    EXPECT_TRUE(virtio::soon([&] { return (m->status() & VIRTIO_CONFIG_S_NEEDS_RESET) != 0; }));
}

} // namespace
} // namespace segue::vmm
