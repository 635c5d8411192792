// SPDX-License-Identifier: Apache-2.0
// virtio_block.hpp - a disk.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "vmm/devices/virtio_block/disk.hpp"
#include "vmm/devices/virtio_block/host_io.hpp"
#include "vmm/devices/virtio_block/request.hpp"
#include "vmm/devices/virtio_block/state.hpp"
#include "vmm/virtio/model.hpp"

namespace segue::vmm {

// Virtio 1.2, 5.2: one queue; flush, discard, write-zeroes, serial number, read-only. Writes go to
// the host's page cache, a flush to its disk.
class VirtioBlock final : public virtio::Model {
public:
    static constexpr const char* kName = "virtio-blk";

    // The disk's descriptor outlives it.
    VirtioBlock(Disk disk, std::unique_ptr<HostIo> io);

    const virtio::ModelFacts& facts() const override { return facts_; }
    void read_config(std::uint32_t at, std::span<std::byte> data) const override;
    Result<bool> serve(unsigned index, std::span<virtio::Queue> queues,
                       const virtio::Memory& memory) override;
    void submit() override { io_->submit(); }
    int event() const override { return io_->event(); }
    void finish(std::span<virtio::Queue> queues, const virtio::Memory& memory) override;
    std::size_t in_flight() const override { return requests_.size() - free_.size(); }
    void start(std::uint64_t features) override;
    void save(state::Writer& section, bool settled) const override;
    // REFUSED where the disk is smaller than the guest knows it, or, where it was opened again, is
    // another one or has been changed since.
    Status load(const state::Section& section) override;

private:
    Status take(virtio::Chain chain, virtio::Queue& queue, const virtio::Memory& memory);
    void complete(const BlockRequest& request, virtio::Queue& queue, const virtio::Memory& memory);
    Status check_disk(const BlockState& state) const;

    virtio::ModelFacts facts_;
    Disk disk_;
    BlockState hardware_; // what the guest sees
    DiskFacts limits_;
    std::unique_ptr<HostIo> io_;
    std::vector<std::optional<BlockRequest>> requests_; // by token
    std::vector<std::size_t> free_;
    bool warned_ = false; // of an error of the host
};

} // namespace segue::vmm
