// SPDX-License-Identifier: Apache-2.0
// fake_vhost.hpp - /dev/vhost-net for tests on hosts without it: serves rings and taps as Linux
// does.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "vmm/devices/virtio_net/uapi.hpp"
#include "vmm/devices/virtio_net/vhost_net.hpp"
#include "vmm/devices/virtio_net/vhost_uapi.hpp"
#include "vmm/virtio/queue.hpp"

namespace segue::vmm {

// One of a device's two rings; while it has a tap, a thread serves it.
class FakeVring {
public:
    explicit FakeVring(bool receives)
        : receives_(receives) {}
    ~FakeVring() { stop(); }

    bool runs() const { return thread_.joinable(); }
    // `closed` becomes readable when the device has no owner any more.
    int start(int tap, int closed, std::uint64_t features, const GuestRam& ram);
    void stop();
    void set_call(int fd);

    vhost_vring_addr at = {};
    unsigned size = 0;
    std::uint16_t next = 0;
    UniqueFd kick, error;
    std::atomic<unsigned> frames = 0;

private:
    void loop();
    Status pass();
    Status receive();
    Status send(const virtio::Chain& chain);

    const bool receives_;
    std::mutex mutex_; // around call_
    UniqueFd call_, tap_, stop_, epoll_;
    GuestRam ram_;
    const virtio::Memory memory_{ram_};
    bool merged_ = false;
    virtio::Queue queue_{32768, memory_};
    std::thread thread_;
};

// Refuses what Linux refuses, so that an order of calls that works here works there.
class FakeVhost final : public VhostKernel {
public:
    Result<UniqueFd> open() override;
    int ioctl(int fd, unsigned long request, void* arg) noexcept override;

    // Of all devices that were opened: frames that went through, rings that are served.
    unsigned frames() const;
    unsigned serving() const;
    unsigned count(unsigned long request) const {
        const auto at = counts_.find(request);
        return at != counts_.end() ? at->second : 0;
    }

    std::uint64_t features = 1ull << VIRTIO_NET_F_MRG_RXBUF | 1ull << VIRTIO_F_VERSION_1 |
                             1ull << VIRTIO_RING_F_INDIRECT_DESC |
                             1ull << VIRTIO_RING_F_EVENT_IDX; // of Linux 6.1, as far as of use
    std::set<unsigned long> refused;                          // requests

private:
    struct Device {
        bool owned = false;
        std::uint64_t features = 0;
        GuestRam ram;
        UniqueFd closed;
        std::array<FakeVring, 2> rings = {FakeVring(true), FakeVring(false)};
    };
    static int on_ring(Device& device, unsigned long request, void* arg);
    static int set_backend(Device& device, const vhost_vring_file& file);
    static GuestRam ram_of(const vhost_memory& memory);

    mutable std::mutex mutex_;
    std::map<unsigned long, unsigned> counts_;
    std::map<int, Device*> by_fd_;
    std::vector<std::unique_ptr<Device>> devices_;
};

} // namespace segue::vmm
