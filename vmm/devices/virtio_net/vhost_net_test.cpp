// SPDX-License-Identifier: Apache-2.0
// A network card whose data queues somebody outside the VMM serves, and all that may come between.
#include "vmm/devices/virtio_net/vhost_test.hpp"

namespace segue::vmm {
namespace {

using testing::HasSubstr;
using virtio::Used;

TEST_F(VhostNetTest, CarriesTheFramesAndTellsTheDriverItself) {
    for (const bool event_index : {false, true}) {
        start(bit(VIRTIO_NET_F_MRG_RXBUF), 1, {false, true, event_index});
        give_room(0, 0);
        ASSERT_TRUE(virtio::soon([&] { return vhost.serving() == 2; }));
        rings[0]->ask(true);
        const std::size_t before = m->host.sent_by_others();
        talk(20, true);
        EXPECT_TRUE(virtio::soon([&] { return m->host.sent_by_others() > before; }));
        settle();
        m.reset();
        inventory = inventory::Inventory();
        net.remove_link("tap0");
    }
}

// Masked, it waits in its pending bit; by the wire, in the status register.
TEST_F(VhostNetTest, AnInterruptThatIsMaskedWaits) {
    start(0);
    give_all_room();
    talk(1, true);
    EXPECT_TRUE(virtio::soon([&] { return m->host.sent(kReceived) != 0; }));
    const unsigned control = m->msix() + PCI_MSIX_FLAGS;
    const auto mask = [&](bool whole, bool masked) {
        if (!whole)
            return m->mask(1, masked);
        m->set_config<std::uint16_t>(
            control, static_cast<std::uint16_t>(PCI_MSIX_FLAGS_ENABLE |
                                                (masked ? PCI_MSIX_FLAGS_MASKALL : 0)));
    };
    for (const bool whole : {false, true, false, true}) {
        mask(whole, true);
        (void)m->host.take();
        host->send(frame_of("behind the mask"));
        EXPECT_EQ(received(), frame_of("behind the mask"));
        const auto pending = [&] { return (m->in_bar<std::uint8_t>(0x6000) & 2) != 0; };
        EXPECT_TRUE(virtio::soon(pending));
        EXPECT_EQ(m->host.sent(kReceived), 0u);
        mask(whole, false);
        EXPECT_EQ(m->host.sent(kReceived), 1u);
        EXPECT_FALSE(pending());
        const std::size_t before = m->host.sent_by_others();
        host->send(frame_of("before it"));
        EXPECT_EQ(received(), frame_of("before it"));
        EXPECT_TRUE(virtio::soon([&] { return m->host.sent_by_others() > before; }));
    }
}

TEST_F(VhostNetTest, AVectorThatTheDriverTakesAwayIsNone) {
    start(0);
    give_all_room();
    talk(1, true);
    m->set_common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_SELECT, 0);
    m->set_common<std::uint16_t>(VIRTIO_PCI_COMMON_Q_MSIX, virtio::kNoVector);
    (void)m->host.take();
    host->send(frame_of("without a word"));
    EXPECT_EQ(received(), frame_of("without a word"));
    settle(); // whoever told would have
    EXPECT_EQ(m->host.sent(kReceived), 0u);
}

TEST_F(VhostNetTest, InterruptsByTheWire) {
    start(0);
    m->set_status(0);
    rings.clear();
    for (unsigned q = 0; q < 3; ++q) {
        const auto place = virtio::TestMachine::place(q, kPlaces);
        ram.fill(place.descriptors, 0x3000, 0);
        rings.push_back(make_driver(ram, place, {}, virtio::TestMachine::tables(q)));
    }
    m->set_config<std::uint16_t>(m->msix() + PCI_MSIX_FLAGS, 0);
    const std::size_t before = m->host.sent_by_others();
    m->bring_up(virtio::kVersion1, kPlaces, true);
    send(frame_of("out"));
    EXPECT_EQ(host->hear(), frame_of("out"));
    ASSERT_TRUE(virtio::soon([&] { return vhost.serving() == 2; }));
    (void)m->in<std::uint8_t>(VIRTIO_PCI_CAP_ISR_CFG, 0);
    for (int i = 0; i < 3; ++i) {
        give_room(0, 0);
        host->send(frame_of("by the wire"));
        EXPECT_TRUE(virtio::soon([&] { return m->host.intx(virtio::TestMachine::kSlot); }));
        EXPECT_EQ(m->in<std::uint8_t>(VIRTIO_PCI_CAP_ISR_CFG, 0), 1);
        EXPECT_EQ(used(0), (Used{0, 72}));
    }
    EXPECT_EQ(m->host.sent_by_others(), before);
}

// Its own, the thread's and the other way round: every frame once, in order.
// Owner, memory and features are told by the standby; the rings alone are told of after the commit.
// One that has been read from the tap comes before those that are still in it.
// What a new guest is offered hangs on the configuration, not on the host; an old one keeps what it
// has.
TEST_F(VhostNetTest, WhereItDoesNotStartTheThreadServes) {
    for (const unsigned long request :
         {VHOST_SET_MEM_TABLE, VHOST_SET_FEATURES, VHOST_SET_VRING_ADDR, VHOST_NET_SET_BACKEND}) {
        vhost.refused = {request};
        start(0);
        give_room(0, 0);
        talk(3, false);
        vhost.refused = {};
        hand_over();
        talk(3, true);
        settle();
        m.reset();
        inventory = inventory::Inventory();
        net.remove_link("tap0");
    }
}

// The kernel knows a ring's part by one address of the VMM's: behind it there may be anything.
TEST_F(VhostNetTest, ARingAcrossTwoRegionsIsNotLent) {
    start(0);
    m->set_status(0);
    rings.clear();
    const std::uint64_t edge = virtio::TestRam::kRegion;
    const virtio::RingPlace across = {kPlaces, edge - 64, 0x6000, 0x7000};
    for (unsigned q = 0; q < 3; ++q) {
        const auto place = q == 1 ? across : virtio::TestMachine::place(q, kPlaces);
        for (const std::uint64_t at : {place.descriptors, place.driver, place.device})
            ram.fill(at, 0x400, 0);
        rings.push_back(make_driver(ram, place, {}, virtio::TestMachine::tables(q)));
    }
    m->place_queue(1, across);
    m->bring_up(virtio::kVersion1, kPlaces);
    for (std::uint16_t t = 0; t < kPlaces; ++t)
        send(frame_of("across"));
    EXPECT_EQ(host->hear(), frame_of("across"));
    EXPECT_LE(vhost.serving(), 1u); // the other one
}

TEST_F(VhostNetTest, ABrokenRingAsksForAReset) {
    start(0);
    give_room(0, 0);
    talk(2, true);
    ASSERT_TRUE(rings[1]->add({{~0ull - 100, 50}}, 1));
    m->notify(1);
    EXPECT_TRUE(needs_reset());
    EXPECT_EQ(vhost.serving(), 0u);
    bring_up(0);
    give_room(0, 0);
    talk(2, true);
}

TEST_F(VhostNetTest, AfterAResetNobodyUsesTheRings) {
    start(0);
    give_all_room();
    talk(2, true);
    m->set_status(0);
    EXPECT_EQ(m->status(), 0);
    EXPECT_EQ(vhost.serving(), 0u);
    host->send(frame_of("too early"));
    bring_up(0);
    give_room(0, 0);
    talk(2, true);
    m->device().reset();
    EXPECT_EQ(vhost.serving(), 0u);
}

// Somebody may write to guest RAM yet, so nobody is to take it away.
TEST_F(VhostNetTest, ARingThatCannotBeStoppedIsNotSettled) {
    start(0);
    give_room(0, 0);
    talk(2, true);
    vhost.refused = {VHOST_NET_SET_BACKEND};
    const Status s = m->device().settle(Deadline::in(std::chrono::seconds(10)));
    ASSERT_FALSE(s);
    EXPECT_THAT(s.error().what(), HasSubstr("VHOST_NET_SET_BACKEND"));
    EXPECT_EQ(vhost.serving(), 2u);
    vhost.refused = {};
    m->device().activate(); // the guest stays
    talk(2, true);
    settle();
    EXPECT_EQ(vhost.serving(), 0u);
}

// It has the queues of the pairs that the driver uses.
TEST_F(VhostNetTest, PairsComeAndGo) {
    start(bit(VIRTIO_NET_F_CTRL_VQ) | bit(VIRTIO_NET_F_MQ), 2);
    const auto set_pairs = [&](std::uint16_t pairs) {
        return command(VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, pairs);
    };
    const auto serves = [&](unsigned queues) {
        return virtio::soon([&] { return vhost.serving() == queues; });
    };
    EXPECT_TRUE(serves(2));
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(set_pairs(2), VIRTIO_NET_OK);
        EXPECT_TRUE(serves(4));
        send(frame_of("by the second pair"), 3);
        EXPECT_EQ(host->hear(), frame_of("by the second pair"));
        hand_over();
        EXPECT_TRUE(serves(4));
        EXPECT_EQ(set_pairs(1), VIRTIO_NET_OK);
        EXPECT_TRUE(serves(2));
        send(frame_of("by the first"));
        EXPECT_EQ(host->hear(), frame_of("by the first"));
    }
}

TEST_F(VhostNetTest, AHostWithoutItSaysSo) {
    vhost.refused = {0};
    EXPECT_EQ(VhostNet::create(vhost, {0}).code(), Code::NotFound);
    vhost.refused = {VHOST_SET_OWNER};
    EXPECT_THAT(VhostNet::create(vhost, {0}).error().what(), HasSubstr("VHOST_SET_OWNER"));
}

} // namespace
} // namespace segue::vmm
