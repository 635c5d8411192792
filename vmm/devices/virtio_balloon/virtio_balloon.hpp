// SPDX-License-Identifier: Apache-2.0
// virtio_balloon.hpp - memory that the guest gives back to the host.
#pragma once

#include <sys/uio.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "vmm/devices/virtio_balloon/balloon_size.hpp"
#include "vmm/virtio/model.hpp"

namespace segue::vmm {

// Virtio 1.2, 5.5, with free page reporting and without statistics: pages that the guest puts into
// the balloon, or reports as free, go back to the host without the device's lock, and are zeros
// when the guest next touches them. The guest may take pages out when it runs out of memory.
class VirtioBalloon final : public virtio::Model {
public:
    static constexpr const char* kName = "virtio-balloon";

    VirtioBalloon(std::string id, std::shared_ptr<BalloonSize> size);

    const virtio::ModelFacts& facts() const override { return facts_; }
    void read_config(std::uint32_t at, std::span<std::byte> data) const override;
    void write_config(std::uint32_t at, std::span<const std::byte> data) override;
    Result<bool> serve(unsigned index, std::span<virtio::Queue> queues,
                       const virtio::Memory& memory) override;
    void submit() override;
    int event() const override { return size_->event(); }
    void finish(std::span<virtio::Queue> queues, const virtio::Memory& memory) override;
    std::size_t in_flight() const override { return in_flight_; }
    bool config_changed() override;
    void save(state::Writer& section, bool settled) const override;
    Status load(const state::Section& section) override;
    void reset() noexcept override { size_->give(0); }

private:
    struct Job {
        unsigned queue = 0;
        virtio::Chain chain;
        std::vector<iovec> pages; // as this process has them
    };
    virtio::ModelFacts facts_;
    std::shared_ptr<BalloonSize> size_;
    std::uint32_t told_ = 0; // of what is wanted
    std::vector<Job> jobs_, done_;
    std::atomic<std::size_t> in_flight_ = 0; // both
};

} // namespace segue::vmm
