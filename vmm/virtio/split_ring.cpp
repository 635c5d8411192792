// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/split_ring.hpp"

#include <algorithm>
#include <atomic>

#include "vmm/virtio/uapi.hpp"

namespace segue::vmm::virtio {

namespace {

// Offsets in the available ring (2.7.6) and in the used ring (2.7.8).
constexpr std::uint64_t kFlags = 0, kIndex = 2, kEntries = 4;
constexpr std::uint64_t kDescriptor = sizeof(vring_desc);
constexpr std::uint64_t kUsed = sizeof(vring_used_elem);

Error malformed(const char* what) {
    return Error(Code::Corrupt, std::string("the driver's split ring ") + what);
}

} // namespace

Result<bool> SplitRing::pop(Chain& chain) {
    const auto available = memory_.load<std::uint16_t>(place_.driver + kIndex);
    if (available == at_.next_avail)
        return false;
    if (static_cast<std::uint16_t>(available - at_.next_avail) > place_.size)
        return malformed("has more available than it has places");
    const std::uint64_t entry = kEntries + 2ull * (at_.next_avail % place_.size);
    const auto head = memory_.load<std::uint16_t>(place_.driver + entry);
    chain.clear();
    chain.id = head;
    SEGUE_TRY(walk(place_.descriptors, place_.size, head, false, chain));
    ++at_.next_avail;
    return true;
}

unsigned SplitRing::waiting() const {
    const auto available = memory_.load<std::uint16_t>(place_.driver + kIndex);
    return std::min<unsigned>(static_cast<std::uint16_t>(available - at_.next_avail), place_.size);
}

Status SplitRing::walk(std::uint64_t table, std::uint32_t entries, std::uint32_t index,
                       bool indirect, Chain& chain) {
    for (std::uint32_t seen = 0;; ++seen) {
        if (index >= entries)
            return malformed("names a descriptor that it does not have");
        if (seen == entries)
            return malformed("has a loop");
        vring_desc d = {};
        if (!memory_.read(table + kDescriptor * index, std::as_writable_bytes(std::span(&d, 1))))
            return malformed("has a table that is not in RAM");
        if ((d.flags & VRING_DESC_F_INDIRECT) != 0) { // 2.7.5.3
            if (!features_.indirect || indirect || (d.flags & VRING_DESC_F_NEXT) != 0)
                return malformed("has an indirect table where none may be");
            if (d.len == 0 || d.len % kDescriptor != 0)
                return malformed("has an indirect table of a wrong length");
            return walk(d.addr, d.len / kDescriptor, 0, true, chain);
        }
        SEGUE_TRY(chain.add(memory_, {d.addr, d.len, false, (d.flags & VRING_DESC_F_WRITE) != 0}));
        if ((d.flags & VRING_DESC_F_NEXT) == 0)
            return {};
        index = d.next;
    }
}

void SplitRing::fill(std::uint16_t place, const Chain& chain, std::uint32_t written) {
    const std::uint64_t entry = place_.device + kEntries + kUsed * (place % place_.size);
    memory_.store<std::uint32_t>(entry, chain.id);
    memory_.store<std::uint32_t>(entry + 4, written);
}

void SplitRing::show(std::size_t chains) {
    at_.next_used = static_cast<std::uint16_t>(at_.next_used + chains);
    pushed_ = static_cast<std::uint16_t>(pushed_ + chains);
    memory_.store<std::uint16_t>(place_.device + kIndex, at_.next_used);
}

void SplitRing::push(const Chain& chain, std::uint32_t written) {
    fill(at_.next_used, chain, written);
    show(1);
}

void SplitRing::push(std::span<const Filled> filled) {
    for (std::size_t i = 0; i < filled.size(); ++i)
        fill(static_cast<std::uint16_t>(at_.next_used + i), filled[i].chain, filled[i].written);
    show(filled.size());
}

void SplitRing::untake(const Chain&) {
    --at_.next_avail;
}

bool SplitRing::wants_interrupt() {
    if (pushed_ == 0)
        return false;
    const auto old = static_cast<std::uint16_t>(at_.next_used - pushed_);
    pushed_ = 0;
    std::atomic_thread_fence(std::memory_order_seq_cst); // the index before the question (2.7.7.2)
    if (features_.event_index)
        return passes(memory_.load<std::uint16_t>(place_.driver + kEntries + 2ull * place_.size),
                      at_.next_used, old);
    return (memory_.load<std::uint16_t>(place_.driver + kFlags) & VRING_AVAIL_F_NO_INTERRUPT) == 0;
}

bool SplitRing::listen(bool on) {
    if (features_.event_index) {
        if (on) // the index that is to be told of; without, an old one never comes again
            memory_.store(place_.device + kEntries + kUsed * place_.size, at_.next_avail);
    } else {
        memory_.store<std::uint16_t>(place_.device + kFlags, on ? 0 : VRING_USED_F_NO_NOTIFY);
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return memory_.load<std::uint16_t>(place_.driver + kIndex) != at_.next_avail;
}

} // namespace segue::vmm::virtio
