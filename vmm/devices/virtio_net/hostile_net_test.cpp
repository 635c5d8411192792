// SPDX-License-Identifier: Apache-2.0
// What no driver should do to a network card, and what may happen to its tap.
#include "vmm/devices/virtio_net/net_test.hpp"

namespace segue::vmm {
namespace {

using virtio::Buffer;

class HostileNet : public VirtioNetTest {
protected:
    // The card asks for a reset, and works after it.
    void breaks(unsigned queue, const std::vector<Buffer>& buffers) {
        ASSERT_TRUE(rings[queue]->add(buffers, 1));
        m->notify(queue);
        if (queue == 0)
            host->send(frame_of("for a buffer like that"));
        EXPECT_TRUE(needs_reset());
        works();
    }
    void works() {
        bring_up(kFeatures);
        give_room(0, 0);
        send(frame_of("to the host"));
        EXPECT_EQ(host->hear(), frame_of("to the host"));
        host->send(frame_of("to the guest"));
        EXPECT_EQ(received(), frame_of("to the guest"));
        bring_up(kFeatures);
    }
    static constexpr std::uint64_t kFeatures = 1ull << VIRTIO_NET_F_MRG_RXBUF |
                                               1ull << VIRTIO_NET_F_CTRL_VQ |
                                               1ull << VIRTIO_NET_F_CTRL_MAC_ADDR;
    static constexpr std::uint64_t kAt = 0x80000;
};

TEST_F(HostileNet, BuffersThatCannotBe) {
    start(kFeatures);
    works();
    breaks(1, {{kAt, 11}});                      // no header
    breaks(1, {{kAt, 100, true}});               // nothing to read
    breaks(1, {{kAt, 0x40000}, {kAt, 0x40000}}); // no frame is as long
    breaks(1, {{virtio::TestRam::kBytes - 10, 100}});
    breaks(0, {{kAt, 2048}}); // nothing can be written to it
    breaks(0, {{kAt, 11, true}});
    breaks(0, {{virtio::TestRam::kBytes - 10, 100, true}});
    breaks(2, {{kAt, 1}, {kAt + 64, 1, true}}); // no command
    breaks(2, {{kAt, 8}});                      // no room for an answer
}

// More merged buffers than there are could not hold it, however many are offered.
TEST_F(HostileNet, BuffersOfAByteHoldNoFrame) {
    start(kFeatures);
    works();
    for (std::uint16_t t = 0; t < kPlaces; ++t)
        ASSERT_TRUE(rings[0]->add({{kAt, t == 0 ? 12u : 1u, true}}, t));
    m->notify(0);
    host->send(frame_of("too long for those"));
    send(frame_of("goes on"));
    EXPECT_EQ(host->hear(), frame_of("goes on"));
    EXPECT_FALSE(rings[0]->take());
    EXPECT_EQ(m->status() & VIRTIO_CONFIG_S_NEEDS_RESET, 0);
}

TEST_F(HostileNet, HeadersThatMeanNothingLoseTheFrame) {
    start(kFeatures);
    works();
    const std::uint64_t at = buffer(1, 0);
    for (const virtio_net_hdr_v1& h : {virtio_net_hdr_v1{1, 0, 0, 0, {{0xfff0, 0xfff0}}, 0},
                                       {0, 0x7f, 0, 1, {{0, 0}}, 0},
                                       {1, 1, 0xffff, 0xffff, {{14, 6}}, 0xffff},
                                       {0xff, 0xff, 0xffff, 0xffff, {{1, 1}}, 1}}) {
        ram.put(at, std::string(kHeader, 0) + frame_of("bad"));
        ram.poke(at, h);
        ASSERT_TRUE(rings[1]->add({{at, 100}}, 2));
        m->notify(1);
        EXPECT_EQ(used(1), (virtio::Used{2, 0}));
    }
    ASSERT_TRUE(rings[1]->add({{at, 15}}, 2)); // three bytes are no frame
    m->notify(1);
    EXPECT_EQ(used(1), (virtio::Used{2, 0}));
    send(frame_of("good"));
    EXPECT_EQ(host->hear(), frame_of("good"));
}

TEST_F(HostileNet, ATapThatIsDownOrGoneHarmsNobody) {
    start(kFeatures);
    works();
    give_room(0, 0);
    net.set_up("tap0", false);
    send(frame_of("lost"));
    net.set_up("tap0", true);
    host = std::make_unique<TestHost>("tap0");
    send(frame_of("up again"));
    EXPECT_EQ(host->hear(), frame_of("up again"));
    host->send(frame_of("from the host"));
    EXPECT_EQ(received(), frame_of("from the host"));
    net.remove_link("tap0");
    send(frame_of("into nothing"));
    ASSERT_TRUE(m->device().settle(Deadline::in(std::chrono::seconds(10))).ok());
    m->device().activate();
    send(frame_of("into nothing"));
    EXPECT_EQ(m->status() & VIRTIO_CONFIG_S_NEEDS_RESET, 0);
}

} // namespace
} // namespace segue::vmm
