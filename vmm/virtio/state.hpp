// SPDX-License-Identifier: Apache-2.0
// state.hpp - a virtio device's saved state, without its transport's and its model's.
#pragma once

#include <cstdint>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"
#include "vmm/virtio/ring.hpp"

namespace segue::vmm::virtio {

inline constexpr std::uint16_t kNoVector = 0xffff; // VIRTIO_MSI_NO_VECTOR

// Virtio 1.2, 4.1.4.3: a queue as the driver has set it up.
struct QueueState {
    std::uint16_t max_size = 0;
    RingPlace place; // after reset: the largest size, nowhere
    std::uint16_t vector = kNoVector;
    bool enabled = false;
    RingPosition position;
    bool operator==(const QueueState&) const = default;
};

// Taken when no request is in flight, so that the positions say all of the queues.
struct CoreState {
    std::uint64_t offered = 0; // features; those of a newer VMM wait for the next power-on
    std::uint8_t status = 0;
    std::uint64_t features = 0; // that the driver has accepted
    std::uint16_t config_vector = kNoVector;
    std::vector<QueueState> queues;

    void write(state::Writer& section) const;
    static Result<CoreState> read(const state::Section& section, std::size_t queues);
    bool operator==(const CoreState&) const = default;
};

} // namespace segue::vmm::virtio
