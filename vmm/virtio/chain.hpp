// SPDX-License-Identifier: Apache-2.0
// chain.hpp - one request of a driver: buffers that the device reads, then buffers that it writes.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <segue/cpp/result.hpp>

#include "vmm/virtio/memory.hpp"

namespace segue::vmm::virtio {

// In guest-physical space, all of it RAM.
struct Segment {
    std::uint64_t at = 0;
    std::uint32_t bytes = 0;
};

// A descriptor as both rings and indirect tables have it (virtio 1.2, 2.7.5 and 2.8.4), copied.
struct Descriptor {
    std::uint64_t at = 0;
    std::uint32_t bytes = 0;
    bool next = false;
    bool writable = false;
    bool indirect = false;
};

// Virtio 1.2, 2.7.4: how a request is cut into buffers means nothing. Plain data.
class Chain {
public:
    // Of one chain, whatever a driver's tables would allow.
    static constexpr std::size_t kMaxSegments = 1024;

    // Names it to the driver: the head's index (split) or the buffer id (packed).
    std::uint16_t id = 0;
    // How many places of a packed ring it takes.
    std::uint16_t places = 1;

    const std::vector<Segment>& readable() const { return readable_; }
    const std::vector<Segment>& writable() const { return writable_; }
    std::uint64_t readable_bytes() const { return readable_bytes_; }
    std::uint64_t writable_bytes() const { return writable_bytes_; }

    void clear();
    // CORRUPT where 2.7.4.2 or 2.8.6 does not allow it: empty, not RAM, too much, readable behind
    // writable.
    Status add(const Memory& memory, const Descriptor& descriptor);

private:
    std::vector<Segment> readable_, writable_;
    std::uint64_t readable_bytes_ = 0, writable_bytes_ = 0;
};

// Appends the here-mapped pieces of `bytes` bytes from `offset` on; false where there are fewer.
bool map(const Memory& memory, const std::vector<Segment>& segments, std::uint64_t offset,
         std::uint64_t bytes, std::vector<iovec>& to);
// Copies from or to that place; how much was there.
std::size_t read(const Memory& memory, const std::vector<Segment>& segments, std::uint64_t offset,
                 std::span<std::byte> to);
std::size_t write(const Memory& memory, const std::vector<Segment>& segments, std::uint64_t offset,
                  std::span<const std::byte> from);

} // namespace segue::vmm::virtio
