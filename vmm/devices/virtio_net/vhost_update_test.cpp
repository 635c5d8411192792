// SPDX-License-Identifier: Apache-2.0
// From a generation with a vhost to one without and back, and what either may have.
#include "vmm/devices/virtio_net/vhost_test.hpp"

namespace segue::vmm {
namespace {

using virtio::Used;

using VhostUpdateTest = VhostNetTest;

TEST_F(VhostUpdateTest, GenerationsWithAndWithoutItFollowOneAnother) {
    start(bit(VIRTIO_NET_F_MRG_RXBUF), 1, {false, true, true});
    give_all_room();
    int heard = 0, sent = 0;
    for (int round = 0; round < 12; ++round) {
        for (int i = 0; i < 5; ++i, ++sent) {
            host->send(frame_of(std::to_string(sent)));
            send(frame_of(std::to_string(sent)));
        }
        kernel = round % 3 == 1 ? nullptr : &vhost;
        hand_over();
        EXPECT_EQ(m->device().writes_unseen(), kernel != nullptr);
        for (; heard < sent; ++heard) {
            EXPECT_EQ(received(), frame_of(std::to_string(heard)));
            EXPECT_EQ(host->hear(), frame_of(std::to_string(heard)));
        }
        talk(2, kernel != nullptr);
    }
    EXPECT_FALSE(host->hear(false));
    EXPECT_FALSE(rings[0]->take());
}

TEST_F(VhostUpdateTest, NobodyTouchesTapOrRingInThePause) {
    start(0);
    give_room(0, 0);
    talk(1, true);
    auto next = machine();
    ASSERT_TRUE(next->load(m->saved()).ok());
    settle();
    EXPECT_EQ(vhost.serving(), 0u);
    host->send(frame_of("in the pause"));
    put(1, 1, frame_of("asked for in the pause"));
    EXPECT_EQ(m->device().requests_waiting(), 1u);
    ASSERT_TRUE(next->load(m->saved()).ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_FALSE(host->hear(false));
    EXPECT_FALSE(rings[0]->take());
    EXPECT_EQ(vhost.serving(), 0u);
    m = std::move(next);
    m->device().activate();
    EXPECT_EQ(received(), frame_of("in the pause"));
    EXPECT_EQ(host->hear(), frame_of("asked for in the pause"));
    EXPECT_EQ(used(1), (Used{1, 0}));
}

TEST_F(VhostUpdateTest, IsPreparedBeforeThePause) {
    start(0);
    give_room(0, 0);
    auto next = machine();
    ASSERT_TRUE(next->load(m->saved()).ok());
    const auto slow = [&] {
        return vhost.count(VHOST_SET_OWNER) + vhost.count(VHOST_SET_MEM_TABLE) +
               vhost.count(VHOST_SET_FEATURES);
    };
    const unsigned before = slow();
    EXPECT_EQ(before, 6u);
    m->hand_over(*next);
    m = std::move(next);
    talk(1, true);
    EXPECT_EQ(slow(), before);
    EXPECT_EQ(vhost.count(VHOST_RESET_OWNER), 0u);
}

TEST_F(VhostUpdateTest, ARollbackGoesOnWhereItWas) {
    start(0);
    give_room(0, 0);
    for (int i = 0; i < 5; ++i) {
        talk(1, true);
        auto next = machine();
        settle();
        host->send(frame_of("kept"));
        put(1, 3, frame_of("asked for"));
        ASSERT_TRUE(next->load(m->saved()).ok());
        next.reset();
        m->device().activate();
        EXPECT_EQ(received(), frame_of("kept"));
        EXPECT_EQ(host->hear(), frame_of("asked for"));
        EXPECT_EQ(used(1), (Used{3, 0}));
    }
}

TEST_F(VhostUpdateTest, AFrameThatWaitsComesFirst) {
    kernel = nullptr;
    start(bit(VIRTIO_NET_F_MRG_RXBUF));
    const std::string frame = frame_of(std::string(500, 'w'));
    give_room(0, 0, 256);
    host->send(frame);
    const auto text = std::as_bytes(std::span(frame));
    EXPECT_TRUE(virtio::soon([&] {
        const auto state = m->saved();
        return std::search(state.begin(), state.end(), text.begin(), text.end()) != state.end();
    }));
    kernel = &vhost;
    hand_over();
    host->send(frame_of("behind it"));
    EXPECT_TRUE(virtio::soon([&] { return vhost.serving() == 1; }));
    give_room(0, 1, 1024);
    EXPECT_EQ(used(0), (Used{0, 256}));
    EXPECT_EQ(used(0), (Used{1, static_cast<std::uint32_t>(frame.size() + kHeader - 256)}));
    give_room(0, 2);
    EXPECT_EQ(received(), frame_of("behind it"));
    talk(3, true);
}

TEST_F(VhostUpdateTest, ADriverOfWhatItLacksIsServedByTheThread) {
    start(0, 1, {true, false, true}); // packed
    give_room(0, 0);
    talk(5, false);
    hand_over();
    talk(5, false);
    bring_up(0);
    give_room(0, 0);
    talk(5, true);
    vhost.features &= ~bit(VIRTIO_RING_F_INDIRECT_DESC); // an older kernel's
    hand_over();
    talk(5, true);
    bring_up(0, {false, true, false});
    give_room(0, 0);
    talk(5, false);
}

TEST_F(VhostUpdateTest, ANewGuestIsNotOfferedWhatItLacks) {
    const auto offered = [&] {
        m->set_common<std::uint32_t>(VIRTIO_PCI_COMMON_DFSELECT, 1);
        return m->common<std::uint32_t>(VIRTIO_PCI_COMMON_DF);
    };
    constexpr std::uint32_t kPacked = 1u << (VIRTIO_F_RING_PACKED - 32);
    start(0, 1, {true, false, true});
    EXPECT_NE(offered() & kPacked, 0u);
    offer_packed = false;
    hand_over();
    EXPECT_NE(offered() & kPacked, 0u);
    give_room(0, 0);
    talk(2, false);
    m = machine();
    EXPECT_EQ(offered() & kPacked, 0u);
    m->device().activate();
    bring_up(0);
    offer_packed = true;
    hand_over();
    EXPECT_EQ(offered() & kPacked, 0u);
    give_room(0, 0);
    talk(2, true);
}

} // namespace
} // namespace segue::vmm
