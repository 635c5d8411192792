// SPDX-License-Identifier: Apache-2.0
// virtio_rng.hpp - random bytes of the host's.
#pragma once

#include <string>

#include "vmm/virtio/model.hpp"
#include "vmm/virtio/uapi.hpp"

namespace segue::vmm {

// Virtio 1.2, 5.4: one queue of buffers to fill. No state of its own.
class VirtioRng final : public virtio::Model {
public:
    static constexpr const char* kName = "virtio-rng";
    // Of one request, so that the device's lock is held for microseconds; the driver asks again.
    static constexpr std::size_t kMost = 4096;

    explicit VirtioRng(std::string id)
        : facts_{kName, std::move(id), 1, VIRTIO_ID_RNG, 0x00ff00, 0, {64}} {}

    const virtio::ModelFacts& facts() const override { return facts_; }
    void read_config(std::uint32_t at, std::span<std::byte> data) const override;
    Result<bool> serve(unsigned index, std::span<virtio::Queue> queues,
                       const virtio::Memory& memory) override;

private:
    virtio::ModelFacts facts_;
};

} // namespace segue::vmm
