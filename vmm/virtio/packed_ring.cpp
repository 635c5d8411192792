// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/packed_ring.hpp"

#include <atomic>

#include "vmm/virtio/uapi.hpp"

namespace segue::vmm::virtio {

namespace {

constexpr std::uint64_t kDescriptor = sizeof(vring_packed_desc);
constexpr std::uint64_t kFlags = offsetof(vring_packed_desc, flags);
constexpr std::uint64_t kEventFlags = offsetof(vring_packed_desc_event, flags);
constexpr std::uint16_t kAvail = 1 << VRING_PACKED_DESC_F_AVAIL;
constexpr std::uint16_t kUsed = 1 << VRING_PACKED_DESC_F_USED;
constexpr std::uint16_t kWrap = 1 << VRING_PACKED_EVENT_F_WRAP_CTR; // also of RingPosition

constexpr std::uint16_t index_of(std::uint16_t position) {
    return position & static_cast<std::uint16_t>(~kWrap);
}

Error malformed(const char* what) {
    return Error(Code::Corrupt, std::string("the driver's packed ring ") + what);
}

} // namespace

// 2.8.1: the driver's bit is as the wrap counter, the device's is not yet.
bool PackedRing::available(std::uint16_t position) const {
    const auto flags =
        memory_.load<std::uint16_t>(place_.descriptors + kDescriptor * index_of(position) + kFlags);
    const bool wrap = (position & kWrap) != 0;
    return ((flags & kAvail) != 0) == wrap && ((flags & kUsed) != 0) != wrap;
}

std::uint16_t PackedRing::advanced(std::uint16_t position, std::uint32_t places) const {
    const std::uint32_t index = index_of(position) + places;
    if (index < place_.size)
        return static_cast<std::uint16_t>((position & kWrap) | index);
    return static_cast<std::uint16_t>(((position & kWrap) ^ kWrap) | (index - place_.size));
}

unsigned PackedRing::waiting() const {
    unsigned chains = 0;
    std::uint16_t at = at_.next_avail;
    for (unsigned place = 0; place < place_.size && available(at); ++place) {
        const auto flags =
            memory_.load<std::uint16_t>(place_.descriptors + kDescriptor * index_of(at) + kFlags);
        at = advanced(at, 1);
        if ((flags & VRING_DESC_F_NEXT) == 0)
            ++chains;
    }
    return chains;
}

Result<bool> PackedRing::pop(Chain& chain) {
    if (!available(at_.next_avail))
        return false;
    chain.clear();
    std::uint16_t at = at_.next_avail;
    for (std::uint16_t places = 1;; ++places) {
        vring_packed_desc d = {};
        (void)memory_.read(place_.descriptors + kDescriptor * index_of(at),
                           std::as_writable_bytes(std::span(&d, 1)));
        at = advanced(at, 1);
        const bool next = (d.flags & VRING_DESC_F_NEXT) != 0;
        if ((d.flags & VRING_DESC_F_INDIRECT) != 0) { // 2.8.7: alone
            if (!features_.indirect || next || places != 1)
                return malformed("has an indirect table where none may be");
            SEGUE_TRY(add_table(d.addr, d.len, chain));
        } else {
            SEGUE_TRY(
                chain.add(memory_, {d.addr, d.len, next, (d.flags & VRING_DESC_F_WRITE) != 0}));
        }
        if (next && places == place_.size)
            return malformed("has a chain without an end");
        if (next)
            continue;
        chain.id = d.id;
        chain.places = places;
        at_.next_avail = at;
        return true;
    }
}

// 2.8.8: the flags of its descriptors mean nothing but for who writes.
Status PackedRing::add_table(std::uint64_t table, std::uint32_t bytes, Chain& chain) {
    if (bytes == 0 || bytes % kDescriptor != 0)
        return malformed("has an indirect table of a wrong length");
    for (std::uint32_t i = 0; i < bytes / kDescriptor; ++i) {
        vring_packed_desc d = {};
        if (!memory_.read(table + kDescriptor * i, std::as_writable_bytes(std::span(&d, 1))))
            return malformed("has a table that is not in RAM");
        SEGUE_TRY(chain.add(memory_, {d.addr, d.len, false, (d.flags & VRING_DESC_F_WRITE) != 0}));
    }
    return {};
}

// 2.8.2: one used descriptor for the whole chain, the flags last.
void PackedRing::fill(std::uint16_t position, const Chain& chain, std::uint32_t written) {
    const std::uint64_t to = place_.descriptors + kDescriptor * index_of(position);
    const bool wrap = (position & kWrap) != 0;
    memory_.store<std::uint16_t>(to + offsetof(vring_packed_desc, id), chain.id);
    memory_.store<std::uint32_t>(to + offsetof(vring_packed_desc, len), written);
    memory_.store<std::uint16_t>(
        to + kFlags, static_cast<std::uint16_t>((wrap ? kAvail | kUsed : 0) |
                                                (written != 0 ? VRING_DESC_F_WRITE : 0)));
}

void PackedRing::advance_used(const Chain& chain) {
    at_.next_used = advanced(at_.next_used, chain.places);
    pushed_ = static_cast<std::uint16_t>(pushed_ + chain.places);
}

void PackedRing::push(const Chain& chain, std::uint32_t written) {
    fill(at_.next_used, chain, written);
    advance_used(chain);
}

// The driver looks at the first place only, which is filled last.
void PackedRing::push(std::span<const Filled> filled) {
    const std::uint16_t first = at_.next_used;
    for (const Filled& f : filled) {
        if (&f != &filled.front())
            fill(at_.next_used, f.chain, f.written);
        advance_used(f.chain);
    }
    if (!filled.empty())
        fill(first, filled.front().chain, filled.front().written);
}

void PackedRing::untake(const Chain& chain) {
    const std::uint16_t index = index_of(at_.next_avail), wrap = at_.next_avail & kWrap;
    at_.next_avail =
        chain.places <= index
            ? static_cast<std::uint16_t>(wrap | (index - chain.places))
            : static_cast<std::uint16_t>((wrap ^ kWrap) | (index + place_.size - chain.places));
}

// 2.8.10 and Linux, drivers/virtio/virtio_ring.c, virtqueue_kick_prepare_packed: an event behind
// the wrap counts as one of the turn before.
bool PackedRing::wants_interrupt() {
    if (pushed_ == 0)
        return false;
    const auto now = index_of(at_.next_used);
    const auto old = static_cast<std::uint16_t>(now - pushed_);
    pushed_ = 0;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const auto flags = memory_.load<std::uint16_t>(place_.driver + kEventFlags);
    if (flags != VRING_PACKED_EVENT_FLAG_DESC || !features_.event_index)
        return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
    const auto wanted = memory_.load<std::uint16_t>(place_.driver);
    std::uint16_t event = index_of(wanted);
    if (((wanted ^ at_.next_used) & kWrap) != 0)
        event = static_cast<std::uint16_t>(event - place_.size);
    return passes(event, now, old);
}

bool PackedRing::listen(bool on) {
    if (on && features_.event_index)
        memory_.store(place_.device, at_.next_avail);
    const std::uint16_t flags = !on                     ? VRING_PACKED_EVENT_FLAG_DISABLE
                                : features_.event_index ? VRING_PACKED_EVENT_FLAG_DESC
                                                        : VRING_PACKED_EVENT_FLAG_ENABLE;
    memory_.store(place_.device + kEventFlags, flags);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return available(at_.next_avail);
}

} // namespace segue::vmm::virtio
