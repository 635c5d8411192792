// SPDX-License-Identifier: Apache-2.0
// ring.hpp - one virtqueue in guest RAM, as the device uses it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <segue/cpp/result.hpp>

#include "vmm/virtio/chain.hpp"

namespace segue::vmm::virtio {

// Where the driver has put a queue: the addresses of 4.1.4.3's queue_desc, queue_driver and
// queue_device.
struct RingPlace {
    std::uint16_t size = 0;
    std::uint64_t descriptors = 0;
    std::uint64_t driver = 0;
    std::uint64_t device = 0;
    bool operator==(const RingPlace&) const = default;
};

// How far the device has come; all that a ring's state is besides what lies in guest RAM. Split:
// free-running indices; packed: index and, in bit 15, wrap counter.
struct RingPosition {
    std::uint16_t next_avail = 0;
    std::uint16_t next_used = 0;
    bool operator==(const RingPosition&) const = default;
};

// A chain that goes back, the first `written` bytes of its writable part filled.
struct Filled {
    Chain chain;
    std::uint32_t written = 0;
};

// Virtio 1.2, 2.7 (split) and 2.8 (packed). Nothing that a driver writes makes it reach outside
// guest RAM, loop or allocate without bound. [device's worker]
class Ring {
public:
    virtual ~Ring() = default;
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    // Takes the next chain; false where the driver has made none available. CORRUPT: the driver has
    // broken the ring, and nothing more can be taken from it.
    virtual Result<bool> pop(Chain& chain) = 0;
    // Gives `chain` back, the first `written` bytes of its writable part filled.
    virtual void push(const Chain& chain, std::uint32_t written) = 0;
    // Gives all of them back; the driver sees the first not before it can see the last.
    virtual void push(std::span<const Filled> filled) = 0;
    // The chain that was taken last is available again, as if it had not been taken.
    virtual void untake(const Chain& chain) = 0;
    // Whether the driver asked to be told of what was pushed since the last time this was asked.
    virtual bool wants_interrupt() = 0;
    // Whether the driver is to tell of what it makes available. True where something is by now.
    virtual bool listen(bool on) = 0;
    virtual RingPosition position() const = 0;
    // Chains that are available and not taken; at most the ring's size.
    virtual unsigned waiting() const = 0;

protected:
    Ring() = default;
};

// What the driver has accepted of VIRTIO_F_RING_*.
struct RingFeatures {
    bool packed = false;
    bool indirect = false;
    bool event_index = false;
};

// INVALID where the place is not what 2.7 or 2.8 asks for: size, alignment, all in RAM.
Result<std::unique_ptr<Ring>> make_ring(const Memory& memory, const RingPlace& place,
                                        const RingFeatures& features, RingPosition position);
// Where a ring of these features begins.
RingPosition first_position(const RingFeatures& features);

// 2.7.10: whether an index that goes from `old` to `now` passes `event`.
constexpr bool passes(std::uint16_t event, std::uint16_t now, std::uint16_t old) {
    return static_cast<std::uint16_t>(now - event - 1) < static_cast<std::uint16_t>(now - old);
}

} // namespace segue::vmm::virtio
