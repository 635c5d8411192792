// SPDX-License-Identifier: Apache-2.0
// A network card from generation to generation: every frame once, in order.
#include "vmm/devices/virtio_net/net_test.hpp"

namespace segue::vmm {
namespace {

using virtio::Used;

using NetUpdate = VirtioNetTest;

TEST_F(NetUpdate, FramesOfBothSidesCrossManyUpdates) {
    start(bit(VIRTIO_NET_F_MRG_RXBUF), 1, {true, false, true});
    for (std::uint16_t t = 0; t < 4; ++t)
        give_room(0, t);
    int heard = 0, sent = 0;
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 20; ++i, ++sent) {
            host->send(frame_of(std::to_string(sent)));
            send(frame_of(std::to_string(sent)));
        }
        hand_over(); // more wait in the tap than there is room for
        for (; heard < sent; ++heard) {
            EXPECT_EQ(received(), frame_of(std::to_string(heard)));
            EXPECT_EQ(host->hear(), frame_of(std::to_string(heard)));
        }
    }
    EXPECT_FALSE(host->hear(false));
    EXPECT_FALSE(rings[0]->take());
}

// What comes and what is asked for while neither side has the guest is the next side's.
TEST_F(NetUpdate, NobodyTouchesTheTapInThePause) {
    start(0);
    give_room(0, 0);
    send(frame_of("before"));
    EXPECT_EQ(host->hear(), frame_of("before"));
    auto next = machine();
    ASSERT_TRUE(next->load(m->saved()).ok());
    ASSERT_TRUE(m->device().settle(Deadline::in(std::chrono::seconds(10))).ok());
    host->send(frame_of("in the pause"));
    put(1, 1, frame_of("asked for in the pause"));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_FALSE(host->hear(false));
    EXPECT_FALSE(rings[0]->take());
    EXPECT_EQ(m->device().requests_waiting(), 1u); // room for a frame is none
    ASSERT_TRUE(next->load(m->saved()).ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_FALSE(rings[0]->take());
    m = std::move(next);
    m->device().activate();
    EXPECT_EQ(received(), frame_of("in the pause"));
    EXPECT_EQ(host->hear(), frame_of("asked for in the pause"));
    EXPECT_EQ(used(1), (Used{1, 0}));
    EXPECT_FALSE(host->hear(false));
}

TEST_F(NetUpdate, ARollbackGoesOnWhereItWas) {
    start(0);
    give_room(0, 0);
    {
        auto next = machine();
        ASSERT_TRUE(m->device().settle(Deadline::in(std::chrono::seconds(10))).ok());
        host->send(frame_of("kept"));
        ASSERT_TRUE(next->load(m->saved()).ok());
    }
    m->device().activate();
    EXPECT_EQ(received(), frame_of("kept"));
    send(frame_of("on"));
    EXPECT_EQ(host->hear(), frame_of("on"));
}

TEST_F(NetUpdate, AFrameThatWaitsForMoreRoomIsCarried) {
    start(bit(VIRTIO_NET_F_MRG_RXBUF));
    const std::string frame = frame_of(std::string(1000, 'c'));
    give_room(0, 0, 512);
    host->send(frame);
    host->send(frame_of("behind it"));
    EXPECT_TRUE(virtio::soon([&] { // it has been read
        const auto state = m->saved();
        return std::search(state.begin(), state.end(), std::as_bytes(std::span(frame)).begin(),
                           std::as_bytes(std::span(frame)).end()) != state.end();
    }));
    hand_over();
    hand_over();
    give_room(0, 1, 512);
    give_room(0, 2, 512);
    EXPECT_EQ(used(0), (Used{0, 512}));
    EXPECT_EQ(used(0), (Used{1, 512}));
    EXPECT_EQ(ram.text(buffer(0, 0) + kHeader, 500) + ram.text(buffer(0, 1), 512),
              frame.substr(0, 1012));
    EXPECT_EQ(used(0), (Used{2, static_cast<std::uint32_t>(frame.size()) - 1012}));
    give_room(0, 3);
    EXPECT_EQ(received(), frame_of("behind it"));
}

// cpr-reboot: another opens the tap, by its name.
TEST_F(NetUpdate, AReopenedTapIsToldEverythingAgain) {
    const std::uint64_t tso = bit(VIRTIO_NET_F_GUEST_CSUM) | bit(VIRTIO_NET_F_GUEST_TSO4);
    start(tso | bit(VIRTIO_NET_F_CTRL_VQ) | bit(VIRTIO_NET_F_MQ), 2);
    give_room(0, 0);
    EXPECT_EQ(command(VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, std::uint16_t{2}), 0);
    rest_and_go_on();
    EXPECT_FALSE(net.leaves("tap0", ETHTOOL_GTSO));
    m->device().activate();
    send(frame_of("again"));
    EXPECT_EQ(host->hear(), frame_of("again"));
    EXPECT_TRUE(net.leaves("tap0", ETHTOOL_GTSO));
    host->send(frame_of("and again"));
    EXPECT_EQ(received(), frame_of("and again"));
}

// Its own frames, by which each switch learns; and the driver's, by which its neighbours do.
TEST_F(NetUpdate, OnANewNetworkTheCardMakesItselfKnown) {
    start(bit(VIRTIO_NET_F_CTRL_VQ) | bit(VIRTIO_NET_F_GUEST_ANNOUNCE) |
          bit(VIRTIO_NET_F_CTRL_MAC_ADDR));
    const Mac chosen = {0x52, 0x54, 0, 9, 9, 9};
    EXPECT_EQ(command(VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, chosen), 0);
    TestHost neighbour("tap0", ETH_P_RARP);
    const auto asks = [&] {
        return (card<std::uint16_t>(offsetof(virtio_net_config, status)) & VIRTIO_NET_S_ANNOUNCE) !=
               0;
    };
    hand_over();
    send(frame_of("the same network"));
    EXPECT_FALSE(asks());
    rest_and_go_on();
    EXPECT_FALSE(neighbour.hear(false)); // it may not run here at last
    m->device().activate();
    const auto own = std::as_bytes(std::span(chosen));
    for (unsigned n = 0; n < Announcer::kRounds; ++n) {
        const std::string frame = neighbour.hear().value_or("");
        ASSERT_EQ(frame.size(), 60u);
        EXPECT_EQ(frame.substr(0, 6), std::string(6, '\xff'));
        for (const std::size_t at : {6u, 22u, 32u}) // the link's, the sender's, the target's
            EXPECT_EQ(std::memcmp(&frame[at], own.data(), own.size()), 0) << at;
    }
    EXPECT_TRUE(asks());
    hand_over();
    EXPECT_TRUE(asks());
    EXPECT_EQ(command(VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK), 0);
    EXPECT_FALSE(asks());
    EXPECT_FALSE(neighbour.hear(false));
}

TEST_F(NetUpdate, AnotherCardsStateIsRefused) {
    start(0, 2);
    const auto state = m->saved();
    config.queues = 1;
    EXPECT_EQ(machine()->load(state).code(), Code::Unsupported);
    config.queues = 2;
    auto next = machine();
    EXPECT_TRUE(next->load(state).ok());
}

} // namespace
} // namespace segue::vmm
