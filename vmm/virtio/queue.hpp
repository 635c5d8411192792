// SPDX-License-Identifier: Apache-2.0
// queue.hpp - a device's virtqueue, whether the driver has enabled it or not.
#pragma once

#include "vmm/virtio/ring.hpp"
#include "vmm/virtio/state.hpp"

namespace segue::vmm::virtio {

// [with the device's lock]
class Queue {
public:
    // `memory` outlives it.
    Queue(std::uint16_t max_size, const Memory& memory)
        : memory_(&memory) {
        s_.max_size = max_size;
        close();
    }
    Queue(std::uint16_t, const Memory&&) = delete; // it would not outlive the queue

    // As the driver has set it up; the position as of now.
    QueueState state() const;
    bool enabled() const { return ring_ != nullptr; }
    // Before it is enabled.
    void set(const RingPlace& place) { s_.place = place; }
    void set_vector(std::uint16_t vector) { s_.vector = vector; }

    Status enable(const Memory& memory, const RingFeatures& features);
    // A queue that could be opened so, not yet this one.
    Result<std::unique_ptr<Ring>> reopened(const Memory& memory, const RingFeatures& features,
                                           const QueueState& state) const;
    void restore(const QueueState& state, std::unique_ptr<Ring> ring);
    // Goes on where somebody else has come to.
    Status move_to(RingPosition position, const Memory& memory, const RingFeatures& features);
    // As after reset: pop() finds nothing, push() does nothing.
    void close();

    Result<bool> pop(Chain& chain) { return ring_ ? ring_->pop(chain) : false; }
    // Also of what was in flight when the queue was closed: it has been written to.
    void push(const Chain& chain, std::uint32_t written) {
        wrote(chain);
        if (ring_)
            ring_->push(chain, written);
    }
    unsigned waiting() const { return ring_ ? ring_->waiting() : 0; }
    void push(std::span<const Filled> filled) {
        for (const Filled& f : filled)
            wrote(f.chain);
        if (ring_)
            ring_->push(filled);
    }
    void untake(const Chain& chain) {
        if (ring_)
            ring_->untake(chain);
    }
    bool listen(bool on) { return ring_ && ring_->listen(on); }
    bool wants_interrupt() { return ring_ && ring_->wants_interrupt(); }

    // Takes what is available, one chain after the other, while room() says so; asks the driver to
    // tell of more if there was room to the end. `take` gives a Status. Bounded: whether there may
    // be more now.
    template <class Room, class Take>
    Result<bool> drain(Room room, Take take) {
        if (!ring_)
            return false;
        (void)ring_->listen(false);
        for (unsigned n = 0; n < s_.place.size; ++n) {
            if (!room())
                return false;
            Chain chain;
            SEGUE_ASSIGN(const bool got, ring_->pop(chain));
            if (got)
                SEGUE_TRY(take(std::move(chain)));
            else if (!ring_->listen(true))
                return false;
        }
        return true;
    }

private:
    // The one place where what a device has put into a driver's buffers is said; before the driver
    // sees it, and with all of the buffers, whatever the driver is told.
    void wrote(const Chain& chain) const noexcept {
        for (const Segment& s : chain.writable())
            memory_->wrote(s.at, s.bytes);
    }

    const Memory* memory_;
    QueueState s_;
    std::unique_ptr<Ring> ring_;
};

} // namespace segue::vmm::virtio
