// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>

#include "vmm/devices/virtio_vsock/vsock_test.hpp"

namespace segue::vmm {
namespace {

constexpr std::uint32_t kBoth = VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND;
constexpr std::uint32_t kHeader = sizeof(virtio_vsock_hdr);

TEST_F(VsockTest, TheGuestLearnsItsCid) {
    auto m = running();
    EXPECT_EQ(m->in<std::uint32_t>(VIRTIO_PCI_CAP_DEVICE_CFG, 0), kCid);
    EXPECT_EQ(m->in<std::uint32_t>(VIRTIO_PCI_CAP_DEVICE_CFG, 4), 0u);
}

TEST_F(VsockTest, AProcessOfTheHostReachesAPort) {
    auto m = running();
    const UniqueFd host = call("CONNECT 5000\n");
    const Packet request = *next(*m);
    EXPECT_EQ(request.h.op, VIRTIO_VSOCK_OP_REQUEST);
    EXPECT_EQ(request.h.src_cid, 2u);
    EXPECT_EQ(request.h.dst_cid, kCid);
    EXPECT_EQ(request.h.dst_port, kGuestPort);
    EXPECT_EQ(request.h.type, VIRTIO_VSOCK_TYPE_STREAM);
    EXPECT_EQ(request.h.buf_alloc, 65536u);
    send(*m, packet(VIRTIO_VSOCK_OP_RESPONSE, request.h.src_port, kGuestPort));
    const std::string ok = "OK " + std::to_string(request.h.src_port) + "\n";
    EXPECT_EQ(hear(host, ok.size()), ok);
    say(host, "question");
    EXPECT_EQ(next(*m, VIRTIO_VSOCK_OP_RW).payload, "question");
    send(*m, packet(VIRTIO_VSOCK_OP_RW, request.h.src_port, kGuestPort, "answer"));
    EXPECT_EQ(hear(host, 6), "answer");
}

TEST_F(VsockTest, TheGuestReachesAProcessOfTheHost) {
    auto m = running();
    const UniqueFd listener = listen(kHostPort);
    const Stream s = answered(*m, listener, 1234);
    try_out(*m, s);
}

TEST_F(VsockTest, WhereNobodyListensTheGuestIsRefused) {
    auto m = running();
    send(*m, packet(VIRTIO_VSOCK_OP_REQUEST, kHostPort, 1234));
    const Packet rst = *next(*m);
    EXPECT_EQ(rst.h.op, VIRTIO_VSOCK_OP_RST);
    EXPECT_EQ(rst.h.src_port, kHostPort);
    EXPECT_EQ(rst.h.dst_port, 1234u);
    EXPECT_EQ(rst.h.src_cid, 2u);
}

TEST_F(VsockTest, AGuestMayRefuseToo) {
    auto m = running();
    const UniqueFd host = call("CONNECT 5000\n");
    const Packet request = next(*m, VIRTIO_VSOCK_OP_REQUEST);
    send(*m, packet(VIRTIO_VSOCK_OP_RST, request.h.src_port, kGuestPort));
    EXPECT_EQ(hear(host, 1), "EOF");
}

TEST_F(VsockTest, AGreetingMayComeInPiecesAndWithDataBehindIt) {
    auto m = running();
    const UniqueFd host = call("CONN");
    EXPECT_TRUE(nothing_comes(*m));
    say(host, "ECT 50");
    EXPECT_TRUE(nothing_comes(*m));
    say(host, "00\nand data");
    const Packet request = next(*m, VIRTIO_VSOCK_OP_REQUEST);
    EXPECT_TRUE(nothing_comes(*m)); // before the guest has agreed
    send(*m, packet(VIRTIO_VSOCK_OP_RESPONSE, request.h.src_port, kGuestPort));
    EXPECT_EQ(next(*m, VIRTIO_VSOCK_OP_RW).payload, "and data");
}

TEST_F(VsockTest, WhoDoesNotGreetIsLeft) {
    auto m = running();
    for (const char* line : {"connect 5000\n", "CONNECT \n", "CONNECT 5000 \n", "CONNECT -1\n",
                             "\n", "CONNECT 4294967295\n", "CONNECT 4294967296\n",
                             "CONNECT 000000000000000000000000000001\n"})
        EXPECT_EQ(hear(call(line), 1), "EOF") << line;
    EXPECT_TRUE(nothing_comes(*m));
}

TEST_F(VsockTest, CallersWaitForADriver) {
    auto m = machine();
    m->device().activate();
    const UniqueFd host = call("CONNECT 5000\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_TRUE(m->device().settle(Deadline::in(std::chrono::seconds(10))).ok());
    m.reset();
    m = running();
    EXPECT_EQ(next(*m, VIRTIO_VSOCK_OP_REQUEST).h.dst_port, kGuestPort);
}

// Both directions at once; the guest has 100 bytes of room and buffers of 61.
TEST_F(VsockTest, BytesComeAsTheyWereSent) {
    guest_room = 100;
    auto m = running(kHeader + 61);
    const Stream s = called(*m, kGuestPort);
    const std::string down = pattern(100'000, 1), up = pattern(300'000, 2);
    std::thread writer([&] { say(s.host, down); });
    std::string back, at_guest;
    std::size_t sent = 0;
    std::uint32_t fwd_cnt = 0;
    while (at_guest.size() < down.size() || back.size() < up.size()) {
        if (const auto used = ring[0]->take()) {
            const auto h = ram.peek<virtio_vsock_hdr>(buffer(used->token));
            at_guest += ram.text(buffer(used->token) + kHeader, h.len);
            ASSERT_LE(at_guest.size() - guest_took, guest_room);
            fwd_cnt = h.fwd_cnt;
            give_room(*m, used->token);
        }
        if (at_guest.size() - guest_took > guest_room / 2) {
            guest_took = static_cast<std::uint32_t>(at_guest.size());
            send(*m, of(s, VIRTIO_VSOCK_OP_CREDIT_UPDATE));
        }
        const std::size_t piece =
            std::min<std::size_t>({up.size() - sent, 65536 - (sent - fwd_cnt), 1 + sent % 20'000});
        if (piece != 0)
            send(*m, of(s, VIRTIO_VSOCK_OP_RW, up.substr(sent, piece)));
        sent += piece;
        char some[5000];
        const auto n = ::recv(s.host.get(), some, sizeof some, MSG_DONTWAIT);
        back.append(some, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    }
    writer.join();
    EXPECT_TRUE(at_guest == down);
    EXPECT_TRUE(back == up);
}

TEST_F(VsockTest, WithoutCreditTheGuestGetsNothing) {
    guest_room = 10;
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    say(s.host, "0123456789abcdef");
    EXPECT_EQ(next(*m)->payload, "0123456789");
    EXPECT_EQ(next(*m)->h.op, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
    EXPECT_TRUE(nothing_comes(*m));
    guest_took = 4;
    send(*m, of(s, VIRTIO_VSOCK_OP_CREDIT_UPDATE));
    EXPECT_EQ(next(*m)->payload, "abcd");
    EXPECT_EQ(next(*m)->h.op, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
    guest_took = 1000; // more than it was sent
    send(*m, of(s, VIRTIO_VSOCK_OP_CREDIT_UPDATE));
    EXPECT_EQ(next(*m)->h.op, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
    EXPECT_TRUE(nothing_comes(*m));
    guest_took = 14;
    send(*m, of(s, VIRTIO_VSOCK_OP_CREDIT_UPDATE));
    EXPECT_EQ(next(*m, VIRTIO_VSOCK_OP_RW).payload, "ef");
}

TEST_F(VsockTest, AGuestThatDoesNotReadStopsItsConnectionOnly) {
    guest_room = 0;
    auto m = running();
    const Stream stopped = called(*m, 1);
    guest_room = 1 << 20;
    const Stream other = called(*m, 2);
    say(stopped.host, std::string(10'000, 'x'));
    try_out(*m, other);
    EXPECT_TRUE(nothing_comes(*m));
    EXPECT_EQ(got[1], "");
}

TEST_F(VsockTest, AHostThatDoesNotReadStopsItsConnectionOnly) {
    auto m = running();
    const Stream stopped = called(*m, 1), other = called(*m, 2);
    const std::string sent = fill(*m, stopped, 3);
    try_out(*m, other);
    EXPECT_TRUE(hear(stopped.host, sent.size()) == sent);
    while (next(*m, VIRTIO_VSOCK_OP_CREDIT_UPDATE).h.fwd_cnt < sent.size() - 32768) {
    } // it is told without asking
    try_out(*m, stopped);
}

TEST_F(VsockTest, CreditIsToldWhereItIsWorthAPacket) {
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    for (int i = 0; i < 40; ++i) {
        send(*m, of(s, VIRTIO_VSOCK_OP_RW, std::string(1000, 'x')));
        EXPECT_EQ(hear(s.host, 1000).size(), 1000u);
    }
    EXPECT_TRUE(nothing_comes(*m));
    EXPECT_EQ(credits_said, 1u);
    EXPECT_EQ(said_fwd_cnt, 33'000u);
}

TEST_F(VsockTest, EitherHalfMayEndByItself) {
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    say(s.host, "last words");
    ASSERT_EQ(::shutdown(s.host.get(), SHUT_WR), 0);
    const Packet end = next(*m, VIRTIO_VSOCK_OP_SHUTDOWN);
    EXPECT_EQ(got[kGuestPort], "last words");
    EXPECT_EQ(end.h.flags, std::uint32_t{VIRTIO_VSOCK_SHUTDOWN_SEND});
    send(*m, of(s, VIRTIO_VSOCK_OP_RW, "answer"));
    send(*m, shutdown_of(s, VIRTIO_VSOCK_SHUTDOWN_SEND));
    EXPECT_EQ(hear(s.host, 7), "answerEOF");
}

TEST_F(VsockTest, AGuestThatReadsNoMoreIsSentNoMore) {
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    send(*m, shutdown_of(s, VIRTIO_VSOCK_SHUTDOWN_RCV));
    EXPECT_EQ(::send(s.host.get(), "x", 1, MSG_NOSIGNAL), -1);
    EXPECT_EQ(errno, EPIPE);
    send(*m, of(s, VIRTIO_VSOCK_OP_RW, "more"));
    EXPECT_EQ(hear(s.host, 4), "more");
    EXPECT_TRUE(nothing_comes(*m));
}

TEST_F(VsockTest, WhatTheGuestHasSentBeforeItClosedIsRead) {
    auto m = running();
    for (const bool waits : {true, false}) { // for the answer; or it gives up waiting
        const Stream s = called(*m, kGuestPort);
        const std::string sent = fill(*m, s, 9);
        send(*m, shutdown_of(s, kBoth));
        EXPECT_TRUE(nothing_comes(*m));
        if (!waits)
            send(*m, of(s, VIRTIO_VSOCK_OP_RST));
        EXPECT_TRUE(hear(s.host, sent.size() + 1) == sent + "EOF");
        if (waits) {
            EXPECT_EQ(next(*m, VIRTIO_VSOCK_OP_RST).h.dst_port, kGuestPort);
        }
    }
    EXPECT_TRUE(nothing_comes(*m));
}

TEST_F(VsockTest, AHostThatHangsUpIsMissed) {
    auto m = running();
    Stream s = called(*m, kGuestPort);
    say(s.host, "last words");
    s.host.reset();
    const Packet end = next(*m, VIRTIO_VSOCK_OP_SHUTDOWN);
    EXPECT_EQ(got[kGuestPort], "last words");
    EXPECT_EQ(end.h.flags, kBoth);
    send(*m, of(s, VIRTIO_VSOCK_OP_RW, "nobody reads it"));
    send(*m, of(s, VIRTIO_VSOCK_OP_RST));
    send(*m, of(s, VIRTIO_VSOCK_OP_RW, "nobody is there"));
    EXPECT_EQ(next(*m)->h.op, VIRTIO_VSOCK_OP_RST);
}

TEST_F(VsockTest, AResetEndsTheStreamAtOnce) {
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    send(*m, of(s, VIRTIO_VSOCK_OP_RST));
    EXPECT_EQ(hear(s.host, 1), "EOF");
    EXPECT_TRUE(nothing_comes(*m)); // no answer to it
    try_out(*m, called(*m, kGuestPort));
}

TEST_F(VsockTest, ADriverThatStartsAnewHasNoConnections) {
    auto m = running();
    const Stream s = called(*m, kGuestPort);
    m->set_status(0);
    EXPECT_EQ(hear(s.host, 1), "EOF");
    m.reset();
    m = running();
    try_out(*m, called(*m, kGuestPort));
}

TEST_F(VsockTest, ThereIsABoundOfConnections) {
    rlimit files = {};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, 8192);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &files), 0);
    auto m = running();
    const UniqueFd listener = listen(kHostPort);
    std::vector<Stream> all;
    while (all.size() < VirtioVsockState::kConnections)
        all.push_back(answered(*m, listener, static_cast<std::uint32_t>(all.size())));
    send(*m, packet(VIRTIO_VSOCK_OP_REQUEST, kHostPort, 5000));
    EXPECT_EQ(next(*m)->h.op, VIRTIO_VSOCK_OP_RST);
    const UniqueFd waiting = call("CONNECT 5000\n");
    EXPECT_TRUE(nothing_comes(*m));
    next_generation(m); // in several messages
    send(*m, of(all[500], VIRTIO_VSOCK_OP_RST));
    EXPECT_EQ(next(*m)->h.op, VIRTIO_VSOCK_OP_REQUEST);
    try_out(*m, all[0]);
    try_out(*m, all[1023]);
}

} // namespace
} // namespace segue::vmm
