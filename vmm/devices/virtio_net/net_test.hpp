// SPDX-License-Identifier: Apache-2.0
// net_test.hpp - a network card on a tap, a driver of it, and a host at the tap's other end.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vmm/devices/virtio_net/test_net.hpp"
#include "vmm/devices/virtio_net/uapi.hpp"
#include "vmm/devices/virtio_net/virtio_net.hpp"
#include "vmm/virtio/test_machine.hpp"

namespace segue::vmm {

// Needs root.
class VirtioNetTest : public testing::Test {
protected:
    static constexpr std::size_t kHeader = sizeof(virtio_net_hdr_v1);
    static constexpr std::uint16_t kPlaces = 8;
    static constexpr Mac kMac = {0x52, 0x54, 0, 1, 2, 3};
    static constexpr std::uint64_t bit(unsigned feature) { return 1ull << feature; }

    // A tap "tap0" with as many queues, its card, and a driver that has accepted `features`.
    void start(std::uint64_t features, unsigned pairs = 1, virtio::RingFeatures kind = {}) {
        config = {"net0", "tap0", "", pairs, true};
        net.add_tap("tap0", IFF_VNET_HDR | (pairs > 1 ? IFF_MULTI_QUEUE : 0));
        open();
        host = std::make_unique<TestHost>("tap0");
        m = machine();
        m->device().activate();
        bring_up(features, kind);
    }
    void open() {
        ASSERT_TRUE(open_tap(config, inventory).ok());
        net.await_link("tap0");
    }
    std::unique_ptr<virtio::TestMachine> machine(bool reopened = false) {
        Tap tap = adopt_tap(config, inventory).value();
        tap.reopened = reopened;
        const NetConfig card = {"net0", kMac, config.queues, 1400, true, offer_packed};
        auto vhost = kernel != nullptr ? VhostNet::create(*kernel, tap.fds).value() : nullptr;
        return std::make_unique<virtio::TestMachine>(
            ram, VirtioNet::create(card, std::move(tap), std::move(vhost)).value());
    }
    void bring_up(std::uint64_t features, virtio::RingFeatures kind = {}) {
        m->set_status(0);
        ASSERT_TRUE(virtio::soon([&] { return m->status() == 0; }));
        rings.clear();
        for (unsigned q = 0; q < 2 * config.queues + 1; ++q) {
            const auto place = virtio::TestMachine::place(q, kPlaces);
            ram.fill(place.descriptors, 0x3000, 0); // what a driver before this one has left
            rings.push_back(make_driver(ram, place, kind, virtio::TestMachine::tables(q)));
        }
        m->bring_up(features | virtio::bits_of(kind), kPlaces);
        send(frame_of("ready")); // before that the host's frames are for nobody
        EXPECT_EQ(host->hear(), frame_of("ready"));
    }
    // To a process that opens the tap itself, as on another host.
    void rest_and_go_on() {
        ASSERT_TRUE(m->device().settle(Deadline::in(std::chrono::seconds(10))).ok());
        const auto state = m->saved();
        m.reset();
        inventory = inventory::Inventory();
        open();
        m = machine(true);
        ASSERT_TRUE(m->load(state).ok());
    }
    void hand_over() {
        auto next = machine();
        m->hand_over(*next);
        m = std::move(next);
    }
    static std::uint64_t buffer(unsigned queue, unsigned token) {
        return 0x40000 + 0x8000ull * queue + 0x1000ull * token;
    }
    void give_room(unsigned queue, std::uint16_t token, std::uint32_t bytes = 2048) {
        ASSERT_TRUE(rings[queue]->add({{buffer(queue, token), bytes, true}}, token));
        m->notify(queue);
    }
    // What came back on `queue` last, within 30 s.
    std::optional<virtio::Used> used(unsigned queue) {
        std::optional<virtio::Used> u;
        EXPECT_TRUE(virtio::soon([&] { return (u = rings[queue]->take()).has_value(); }));
        return u;
    }
    // The next frame that fits into one buffer; that has room again.
    std::string received(unsigned queue = 0) {
        const auto u = used(queue);
        if (!u || u->written < kHeader)
            return "nothing";
        const std::string all = ram.text(buffer(queue, u->token), u->written);
        EXPECT_EQ(ram.peek<virtio_net_hdr_v1>(buffer(queue, u->token)).num_buffers, 1);
        give_room(queue, u->token);
        return all.substr(kHeader);
    }
    // Makes a frame available; its pieces lie one behind the other.
    void put(unsigned queue, std::uint16_t token, const std::string& frame,
             std::vector<std::uint32_t> cuts = {}) {
        const std::uint64_t at = buffer(queue, token);
        ram.put(at, std::string(kHeader, 0) + frame);
        std::vector<virtio::Buffer> buffers;
        std::uint32_t done = 0;
        cuts.push_back(static_cast<std::uint32_t>(kHeader + frame.size()));
        for (const std::uint32_t cut : cuts) {
            buffers.push_back({at + done, cut - done});
            done = cut;
        }
        ASSERT_TRUE(rings[queue]->add(buffers, token));
        m->notify(queue);
    }
    void send(const std::string& frame, unsigned queue = 1) {
        put(queue, 0, frame);
        EXPECT_EQ(used(queue), (virtio::Used{0, 0}));
    }
    // The answer to a control command with at most one argument; 0 is VIRTIO_NET_OK.
    template <class... T>
    int command(std::uint8_t cls, std::uint8_t cmd, const T&... argument) {
        const unsigned queue = (features() & bit(VIRTIO_NET_F_MQ)) != 0 ? 2 * config.queues : 2;
        const std::uint64_t at = buffer(queue, 0);
        ram.poke(at, virtio_net_ctrl_hdr{cls, cmd});
        std::vector<virtio::Buffer> buffers = {{at, 2}};
        (ram.poke(at + 2, argument), ...);
        (buffers.push_back({at + 2, sizeof argument}), ...);
        buffers.push_back({at + 64, 1, true});
        ram.poke<std::uint8_t>(at + 64, 0xee);
        EXPECT_TRUE(rings[queue]->add(buffers, 5));
        m->notify(queue);
        EXPECT_EQ(used(queue), (virtio::Used{5, 1}));
        return ram.peek<std::uint8_t>(at + 64);
    }
    std::uint64_t features() {
        m->set_common<std::uint32_t>(VIRTIO_PCI_COMMON_GFSELECT, 0);
        return m->common<std::uint32_t>(VIRTIO_PCI_COMMON_GF);
    }
    bool needs_reset() {
        return virtio::soon([&] { return (m->status() & VIRTIO_CONFIG_S_NEEDS_RESET) != 0; });
    }
    template <class T>
    T card(std::size_t offset) {
        return m->in<T>(VIRTIO_PCI_CAP_DEVICE_CFG, offset);
    }
    Mac mac() {
        Mac mac;
        for (std::size_t i = 0; i < mac.size(); ++i)
            mac[i] = card<std::uint8_t>(i);
        return mac;
    }

    TestNet net;
    virtio::TestRam ram;
    TapConfig config;
    bool offer_packed = true;      // packed rings, to new guests
    VhostKernel* kernel = nullptr; // of the machines to come; nullptr: without vhost
    inventory::Inventory inventory;
    std::unique_ptr<TestHost> host;
    std::unique_ptr<virtio::TestMachine> m;
    std::vector<std::unique_ptr<virtio::DriverRing>> rings;
};

} // namespace segue::vmm
