// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_net/receive.hpp"

#include <algorithm>
#include <cstring>

#include "vmm/devices/virtio_net/uapi.hpp"

namespace segue::vmm {

namespace {

constexpr std::size_t kHeader = sizeof(virtio_net_hdr_v1);

} // namespace

// Buffers for `bytes`, or as many as may be had; false where there are too few as yet.
Result<bool> Receive::collect(std::size_t bytes, bool merged, virtio::Queue& queue) {
    room_ = 0;
    taken_.clear();
    const std::size_t most = merged ? queue.state().place.size : 1u;
    while (room_ < bytes && taken_.size() < most) {
        virtio::Filled next;
        SEGUE_ASSIGN(const bool got, queue.pop(next.chain));
        if (!got && !queue.listen(true))
            return false;
        if (!got)
            continue;
        if (next.chain.writable_bytes() < (taken_.empty() ? kHeader : 1))
            return Error(Code::Corrupt, "a receive buffer without room for a header");
        room_ += next.chain.writable_bytes();
        taken_.push_back(std::move(next));
    }
    (void)queue.listen(false);
    return true;
}

void Receive::give_back(virtio::Queue& queue) {
    for (; !taken_.empty(); taken_.pop_back())
        queue.untake(taken_.back().chain);
}

Result<bool> Receive::deliver(std::span<std::byte> frame, bool merged, virtio::Queue& queue,
                              const virtio::Memory& memory) {
    SEGUE_ASSIGN(const bool enough, collect(frame.size(), merged, queue));
    if (!enough || room_ < frame.size()) {
        give_back(queue);
        return enough;
    }
    const auto buffers = static_cast<std::uint16_t>(taken_.size());
    std::memcpy(&frame[offsetof(virtio_net_hdr_v1, num_buffers)], &buffers, sizeof buffers);
    for (virtio::Filled& f : taken_) {
        const auto part =
            frame.first(std::min<std::uint64_t>(frame.size(), f.chain.writable_bytes()));
        f.written = static_cast<std::uint32_t>(virtio::write(memory, f.chain.writable(), 0, part));
        frame = frame.subspan(part.size());
    }
    queue.push(taken_);
    return true;
}

} // namespace segue::vmm
