// SPDX-License-Identifier: Apache-2.0
// vhost_net.hpp - a network card's data queues, served by the kernel's vhost-net.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <segue/cpp/unique_fd.hpp>

#include "vmm/virtio/queue_server.hpp"

namespace segue::vmm {

// /dev/vhost-net, or what a test has in its place.
class VhostKernel {
public:
    virtual ~VhostKernel() = default;
    VhostKernel(const VhostKernel&) = delete;
    VhostKernel& operator=(const VhostKernel&) = delete;

    virtual Result<UniqueFd> open() = 0;
    // ioctl(2): the answer, or -errno.
    virtual int ioctl(int fd, unsigned long request, void* arg) noexcept = 0;

protected:
    VhostKernel() = default;
};

VhostKernel& vhost_kernel();

// One of the kernel's devices for each of the tap's descriptors, this generation's own: it works in
// the memory of the process that made it. It is never reset (VHOST_RESET_OWNER), which would undo
// all that was done before the pause.
class VhostNet final : public virtio::QueueServer {
public:
    // `tap`'s descriptors and `kernel` outlive it. Each device's kernel thread is made here.
    static Result<std::unique_ptr<VhostNet>> create(VhostKernel& kernel,
                                                    const std::vector<int>& tap);

    // As long as it lives.
    std::vector<int> devices() const;

    unsigned queues() const override { return static_cast<unsigned>(2 * pairs_.size()); }
    Status prepare(std::uint64_t features, const GuestRam& ram) override;
    Status start(unsigned queue, const virtio::QueueState& state,
                 const virtio::Wires& wires) override;
    Status rewire(unsigned queue, int call) override;
    Result<virtio::RingPosition> stop(unsigned queue) override;

private:
    struct Pair {
        UniqueFd device;
        int tap;
    };
    explicit VhostNet(VhostKernel& kernel)
        : kernel_(kernel) {}
    Status call(const Pair& pair, unsigned long request, void* arg, const char* what) const;
    Status wire(unsigned queue, unsigned long request, int fd, const char* what) const;
    Status place(unsigned queue, const virtio::QueueState& state) const;
    Status share(const GuestRam& ram) const;
    const Pair& pair_of(unsigned queue) const { return pairs_[queue / 2]; }

    VhostKernel& kernel_;
    std::vector<Pair> pairs_;
    std::uint64_t has_ = 0;         // features
    std::uint64_t features_ = 0;    // that it was told
    const GuestRam* ram_ = nullptr; // that it was told
};

} // namespace segue::vmm
