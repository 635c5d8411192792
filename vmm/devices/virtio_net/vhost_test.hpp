// SPDX-License-Identifier: Apache-2.0
// vhost_test.hpp - a network card's tests with a vhost in the kernel's place.
#pragma once

#include "vmm/devices/virtio_net/fake_vhost.hpp"
#include "vmm/devices/virtio_net/net_test.hpp"

namespace segue::vmm {

class VhostNetTest : public VirtioNetTest {
protected:
    VhostNetTest() { kernel = &vhost; }
    ~VhostNetTest() override { m.reset(); }

    void settle() { ASSERT_TRUE(m->device().settle(Deadline::in(std::chrono::seconds(10))).ok()); }
    void give_all_room(unsigned queue = 0) {
        for (std::uint16_t t = 0; t < kPlaces; ++t)
            give_room(queue, t);
    }
    // As many frames in each direction, and each of them by vhost, or none.
    void talk(int frames, bool by_vhost) {
        ASSERT_TRUE(virtio::soon([&] { return vhost.serving() == (by_vhost ? 2u : 0u); }));
        const unsigned before = vhost.frames();
        for (int i = 0; i < frames; ++i) {
            const std::string n = std::to_string(i);
            send(frame_of("from the guest " + n));
            EXPECT_EQ(host->hear(), frame_of("from the guest " + n));
            host->send(frame_of("from the host " + n));
            EXPECT_EQ(received(), frame_of("from the host " + n));
        }
        const unsigned carried = by_vhost ? 2 * static_cast<unsigned>(frames) : 0;
        EXPECT_TRUE(virtio::soon([&] { return vhost.frames() - before == carried; }));
    }
    static constexpr std::uint32_t kReceived = virtio::TestMachine::kMessage;

    FakeVhost vhost;
};

} // namespace segue::vmm
