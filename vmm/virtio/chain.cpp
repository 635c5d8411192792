// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/chain.hpp"

#include <algorithm>
#include <cstring>

namespace segue::vmm::virtio {

namespace {

constexpr std::uint64_t kMaxBytes = 1ull << 32; // 2.7.4.2: of one chain

Error malformed(const char* what) {
    return Error(Code::Corrupt, std::string("a descriptor chain ") + what);
}

// Calls use(address, bytes) for each run of [offset, offset + bytes) until it says no; how much is
// not there.
template <class F>
std::uint64_t for_runs(const std::vector<Segment>& segments, std::uint64_t offset,
                       std::uint64_t bytes, F use) {
    for (const Segment& s : segments) {
        if (offset >= s.bytes) {
            offset -= s.bytes;
            continue;
        }
        const std::uint64_t n = std::min<std::uint64_t>(s.bytes - offset, bytes);
        if (n == 0 || !use(s.at + offset, n))
            break;
        offset = 0;
        bytes -= n;
    }
    return bytes;
}

} // namespace

void Chain::clear() {
    id = 0;
    places = 1;
    readable_.clear();
    writable_.clear();
    readable_bytes_ = writable_bytes_ = 0;
}

Status Chain::add(const Memory& memory, const Descriptor& d) {
    if (d.bytes == 0)
        return malformed("has an empty buffer");
    if (readable_.size() + writable_.size() == kMaxSegments)
        return malformed("has more than 1024 buffers");
    if (readable_bytes_ + writable_bytes_ + d.bytes > kMaxBytes)
        return malformed("has more than 4 GiB");
    if (!d.writable && !writable_.empty())
        return malformed("has a readable buffer behind a writable one");
    if (!memory.contains(d.at, d.bytes))
        return malformed("has a buffer that is not in RAM");
    (d.writable ? writable_ : readable_).push_back({d.at, d.bytes});
    (d.writable ? writable_bytes_ : readable_bytes_) += d.bytes;
    return {};
}

bool map(const Memory& memory, const std::vector<Segment>& segments, std::uint64_t offset,
         std::uint64_t bytes, std::vector<iovec>& to) {
    return for_runs(segments, offset, bytes,
                    [&](std::uint64_t at, std::uint64_t n) { return memory.map(at, n, to); }) == 0;
}

std::size_t read(const Memory& memory, const std::vector<Segment>& segments, std::uint64_t offset,
                 std::span<std::byte> to) {
    const std::size_t wanted = to.size();
    return wanted - for_runs(segments, offset, wanted, [&](std::uint64_t at, std::uint64_t n) {
               const bool there = memory.read(at, to.first(n));
               to = to.subspan(n);
               return there;
           });
}

std::size_t write(const Memory& memory, const std::vector<Segment>& segments, std::uint64_t offset,
                  std::span<const std::byte> from) {
    const std::size_t wanted = from.size();
    return wanted - for_runs(segments, offset, wanted, [&](std::uint64_t at, std::uint64_t n) {
               const bool there = memory.write(at, from.first(n));
               from = from.subspan(n);
               return there;
           });
}

} // namespace segue::vmm::virtio
