// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/queue.hpp"

namespace segue::vmm::virtio {

QueueState Queue::state() const {
    QueueState s = s_;
    if (ring_)
        s.position = ring_->position();
    return s;
}

Status Queue::enable(const Memory& memory, const RingFeatures& features) {
    QueueState s = s_;
    s.position = first_position(features);
    SEGUE_ASSIGN(auto ring, reopened(memory, features, s));
    s.enabled = true;
    restore(s, std::move(ring));
    return {};
}

Result<std::unique_ptr<Ring>> Queue::reopened(const Memory& memory, const RingFeatures& features,
                                              const QueueState& state) const {
    if (state.place.size > state.max_size)
        return Error(Code::Invalid, "the driver's ring: size " + std::to_string(state.place.size) +
                                        ", more than the " + std::to_string(state.max_size) +
                                        " that the device has");
    return make_ring(memory, state.place, features, state.position);
}

void Queue::restore(const QueueState& state, std::unique_ptr<Ring> ring) {
    s_ = state;
    ring_ = std::move(ring);
}

Status Queue::move_to(RingPosition position, const Memory& memory, const RingFeatures& features) {
    QueueState s = s_;
    s.position = position;
    SEGUE_ASSIGN(auto ring, reopened(memory, features, s));
    restore(s, std::move(ring));
    return {};
}

void Queue::close() {
    ring_.reset();
    const std::uint16_t max_size = s_.max_size;
    s_ = QueueState();
    s_.max_size = s_.place.size = max_size;
}

} // namespace segue::vmm::virtio
