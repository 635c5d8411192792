// SPDX-License-Identifier: Apache-2.0
// Frames in both directions, and what the driver asks of the card.
#include "vmm/devices/virtio_net/net_test.hpp"

namespace segue::vmm {
namespace {

using virtio::Used;

constexpr std::uint64_t kLro = 1ull << VIRTIO_NET_F_GUEST_CSUM | 1ull << VIRTIO_NET_F_GUEST_TSO4;

TEST_F(VirtioNetTest, FramesGoBothWays) {
    start(bit(VIRTIO_NET_F_MAC));
    EXPECT_EQ(mac(), kMac);
    EXPECT_EQ(card<std::uint16_t>(6), VIRTIO_NET_S_LINK_UP);
    EXPECT_EQ(card<std::uint16_t>(8), 1);     // pairs
    EXPECT_EQ(card<std::uint16_t>(10), 1400); // MTU
    for (std::uint16_t t = 0; t < 4; ++t)
        give_room(0, t);
    for (int i = 0; i < 20; ++i) {
        const std::string n = std::to_string(i);
        send(frame_of("from the guest " + n));
        EXPECT_EQ(host->hear(), frame_of("from the guest " + n));
        host->send(frame_of("from the host " + n));
        EXPECT_EQ(received(), frame_of("from the host " + n));
    }
    EXPECT_TRUE(virtio::soon([&] { return m->host.sent(virtio::TestMachine::kMessage) != 0; }));
}

TEST_F(VirtioNetTest, AFrameMayLieInSeveralBuffers) {
    start(0);
    const std::string longest = frame_of(std::string(1500, 'x') + "end");
    for (const auto& cuts : std::vector<std::vector<std::uint32_t>>{
             {kHeader}, {5}, {kHeader, kHeader + 14, kHeader + 700}, {1, 2, 3, 1500}}) {
        put(1, 0, longest, cuts);
        EXPECT_EQ(used(1), (Used{0, 0}));
        EXPECT_EQ(host->hear(), longest);
    }
    const std::uint64_t at = buffer(0, 0);
    ASSERT_TRUE(rings[0]->add({{at, 12, true}, {at + 12, 100, true}, {at + 112, 1500, true}}, 3));
    m->notify(0);
    host->send(longest.substr(0, 1400));
    EXPECT_EQ(used(0), (Used{3, 1412}));
    EXPECT_EQ(ram.text(at + kHeader, 1400), longest.substr(0, 1400));
}

// The kernel's driver drops a frame whose buffers do not all come at once.
TEST_F(VirtioNetTest, BuffersAreMergedAndComeTogether) {
    start(bit(VIRTIO_NET_F_MRG_RXBUF));
    const std::string frame = frame_of(std::string(1000, 'm') + "end");
    give_room(0, 0, 512);
    give_room(0, 1, 512);
    host->send(frame);
    host->send(frame_of("behind it"));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_FALSE(rings[0]->take());
    give_room(0, 2, 512);
    EXPECT_EQ(used(0), (Used{0, 512}));
    EXPECT_EQ(rings[0]->take(), (Used{1, 512}));
    EXPECT_EQ(rings[0]->take(), (Used{2, static_cast<std::uint32_t>(frame.size()) + 12 - 1024}));
    EXPECT_EQ(ram.peek<virtio_net_hdr_v1>(buffer(0, 0)).num_buffers, 3);
    EXPECT_EQ(ram.text(buffer(0, 0) + kHeader, 500) + ram.text(buffer(0, 1), 512) +
                  ram.text(buffer(0, 2), frame.size() - 1012),
              frame);
    give_room(0, 3, 512);
    EXPECT_EQ(received(), frame_of("behind it"));
}

TEST_F(VirtioNetTest, AFrameThatNoBufferHoldsIsLost) {
    start(0);
    give_room(0, 0, 128);
    host->send(frame_of(std::string(500, 'l')));
    host->send(frame_of("short"));
    EXPECT_EQ(received(), frame_of("short"));
}

TEST_F(VirtioNetTest, FramesWithoutRoomWaitInOrder) {
    start(0);
    for (int i = 0; i < 100; ++i)
        host->send(frame_of(std::to_string(i)));
    for (std::uint16_t t = 0; t < 3; ++t)
        give_room(0, t);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(received(), frame_of(std::to_string(i)));
}

TEST_F(VirtioNetTest, EachKindOfRingCarriesFrames) {
    start(0);
    for (const bool packed : {false, true})
        for (const bool event_index : {false, true}) {
            bring_up(bit(VIRTIO_NET_F_MRG_RXBUF), {packed, true, event_index});
            for (std::uint16_t t = 0; t < 4; ++t)
                give_room(0, t);
            for (int i = 0; i < 50; ++i) {
                host->send(frame_of(std::to_string(i)));
                send(frame_of(std::to_string(i)));
            }
            for (int i = 0; i < 50; ++i) {
                EXPECT_EQ(received(), frame_of(std::to_string(i))) << packed << event_index;
                EXPECT_EQ(host->hear(), frame_of(std::to_string(i)));
            }
        }
}

TEST_F(VirtioNetTest, ADriverGetsNoFramesFromBeforeItsTime) {
    start(0);
    m->set_status(0);
    EXPECT_TRUE(virtio::soon([&] { return m->status() == 0; }));
    host->send(frame_of("too early"));
    bring_up(0);
    give_room(0, 0);
    host->send(frame_of("in time"));
    EXPECT_EQ(received(), frame_of("in time"));
}

TEST_F(VirtioNetTest, TheTapIsToldWhatTheDriverTakes) {
    start(0);
    const auto leaves = [&](std::uint32_t what) { return net.leaves("tap0", what); };
    EXPECT_FALSE(leaves(ETHTOOL_GTSO));
    bring_up(kLro | bit(VIRTIO_NET_F_CTRL_VQ) | bit(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS));
    EXPECT_TRUE(virtio::soon([&] { return leaves(ETHTOOL_GTSO) && leaves(ETHTOOL_GTXCSUM); }));
    const auto ask = [&](std::uint64_t offloads) {
        return command(VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET,
                       offloads);
    };
    EXPECT_EQ(ask(bit(VIRTIO_NET_F_GUEST_CSUM)), VIRTIO_NET_OK);
    EXPECT_FALSE(leaves(ETHTOOL_GTSO));
    EXPECT_TRUE(leaves(ETHTOOL_GTXCSUM));
    EXPECT_EQ(ask(kLro | bit(VIRTIO_NET_F_GUEST_TSO6)), VIRTIO_NET_ERR);
    EXPECT_EQ(ask(kLro), VIRTIO_NET_OK);
    EXPECT_TRUE(leaves(ETHTOOL_GTSO));
    bring_up(0);
    EXPECT_TRUE(virtio::soon([&] { return !leaves(ETHTOOL_GTSO) && !leaves(ETHTOOL_GTXCSUM); }));
}

TEST_F(VirtioNetTest, ADriverMayHaveAnotherAddress) {
    const std::uint64_t with = bit(VIRTIO_NET_F_CTRL_VQ) | bit(VIRTIO_NET_F_CTRL_MAC_ADDR);
    start(with);
    const auto ask = [&](const Mac& to) {
        return command(VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, to);
    };
    const Mac other = {2, 9, 8, 7, 6, 5};
    EXPECT_EQ(ask(other), VIRTIO_NET_OK);
    EXPECT_EQ(mac(), other);
    EXPECT_EQ(ask(Mac{3, 0, 0, 0, 0, 1}), VIRTIO_NET_ERR); // of a group
    EXPECT_EQ(command(VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, std::uint32_t{2}),
              VIRTIO_NET_ERR);
    EXPECT_EQ(command(VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, std::uint16_t{1}),
              VIRTIO_NET_ERR);
    hand_over();
    EXPECT_EQ(mac(), other);
    bring_up(with);
    EXPECT_EQ(mac(), kMac);
}

std::string udp_of(std::uint16_t port) {
    std::string frame = std::string("\xff\xff\xff\xff\xff\xff\x02\0\0\0\0\x01\x08\0", 14);
    frame += std::string("\x45\0\0\x2e\0\0\0\0\x40\x11\0\0\x0a\0\0\x01\x0a\0\0\x02", 20);
    frame += {static_cast<char>(port >> 8), static_cast<char>(port), 0, 9, 0, 26, 0, 0};
    frame.resize(60);
    return frame;
}

class NetQueuesTest : public VirtioNetTest {
protected:
    static constexpr std::uint64_t kMany = 1ull << VIRTIO_NET_F_CTRL_VQ | 1ull << VIRTIO_NET_F_MQ;

    int set_pairs(std::uint16_t pairs) {
        return command(VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, pairs);
    }
    // How many of 64 flows' frames each receive queue gets.
    std::vector<unsigned> spread() {
        TestHost sender("tap0", 0x0800);
        for (std::uint16_t flow = 0; flow < 64; ++flow)
            sender.send(udp_of(static_cast<std::uint16_t>(1000 + flow)));
        std::vector<unsigned> got(2);
        EXPECT_TRUE(virtio::soon([&] {
            for (unsigned pair : {0u, 1u})
                for (; const auto u = rings[std::size_t{2} * pair]->take(); ++got[pair])
                    give_room(2 * pair, u->token);
            return got[0] + got[1] == 64;
        }));
        return got;
    }
    void give_all_room() {
        for (std::uint16_t t = 0; t < kPlaces; ++t) {
            give_room(0, t);
            give_room(2, t);
        }
    }
};

TEST_F(NetQueuesTest, FlowsAreSpreadOverAsManyPairsAsTheDriverWants) {
    start(kMany, 2);
    EXPECT_EQ(card<std::uint16_t>(8), 2);
    give_all_room();
    EXPECT_EQ(spread(), (std::vector<unsigned>{64, 0}));
    EXPECT_EQ(set_pairs(2), VIRTIO_NET_OK);
    const auto both = spread();
    EXPECT_GT(both[0], 0u);
    EXPECT_GT(both[1], 0u);
    send(frame_of("by the second pair"), 3);
    EXPECT_EQ(host->hear(), frame_of("by the second pair"));
    for (const std::uint16_t wrong : {0, 3, 0xffff})
        EXPECT_EQ(set_pairs(wrong), VIRTIO_NET_ERR);
    hand_over();
    EXPECT_GT(spread()[1], 0u);
    EXPECT_EQ(set_pairs(1), VIRTIO_NET_OK);
    EXPECT_EQ(spread(), (std::vector<unsigned>{64, 0}));
}

// Without VIRTIO_NET_F_MQ the control queue is the third (5.1.2).
TEST_F(NetQueuesTest, ADriverOfOnePairHasOne) {
    start(bit(VIRTIO_NET_F_CTRL_VQ) | bit(VIRTIO_NET_F_CTRL_MAC_ADDR), 2);
    EXPECT_EQ(command(VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, Mac{2, 1}), VIRTIO_NET_OK);
    EXPECT_EQ(set_pairs(2), VIRTIO_NET_ERR);
    give_room(0, 0);
    host->send(frame_of("to the one"));
    EXPECT_EQ(received(), frame_of("to the one"));
}

} // namespace
} // namespace segue::vmm
