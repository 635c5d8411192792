// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/memory.hpp"

#include <algorithm>
#include <cstring>

namespace segue::vmm::virtio {

namespace {

// Calls use(piece) for each run of [at, at + bytes) that lies together here, up to the first byte
// that is no RAM; how much is not RAM.
template <class F>
std::uint64_t for_pieces(const GuestRam& ram, std::uint64_t at, std::uint64_t bytes, F use) {
    while (bytes != 0) {
        auto there = ram.from(at);
        if (there.empty())
            break;
        there = there.first(static_cast<std::size_t>(std::min<std::uint64_t>(there.size(), bytes)));
        use(there);
        at += there.size();
        bytes -= there.size();
    }
    return bytes;
}

} // namespace

bool Memory::contains(std::uint64_t at, std::uint64_t bytes) const noexcept {
    return for_pieces(ram_, at, bytes, [](std::span<std::byte>) {}) == 0;
}

bool Memory::read(std::uint64_t at, std::span<std::byte> to) const noexcept {
    if (!contains(at, to.size()))
        return false;
    for_pieces(ram_, at, to.size(), [&](std::span<std::byte> piece) {
        std::memcpy(to.data(), piece.data(), piece.size());
        to = to.subspan(piece.size());
    });
    return true;
}

bool Memory::write(std::uint64_t at, std::span<const std::byte> from) const noexcept {
    if (!contains(at, from.size()))
        return false;
    for_pieces(ram_, at, from.size(), [&](std::span<std::byte> piece) {
        std::memcpy(piece.data(), from.data(), piece.size());
        ram_.wrote(piece.data(), piece.size());
        from = from.subspan(piece.size());
    });
    return true;
}

void Memory::wrote(std::uint64_t at, std::uint64_t bytes) const noexcept {
    if (ram_.written().is_on())
        for_pieces(ram_, at, bytes,
                   [this](std::span<std::byte> piece) { ram_.wrote(piece.data(), piece.size()); });
}

bool Memory::map(std::uint64_t at, std::uint64_t bytes, std::vector<iovec>& to) const {
    return for_pieces(ram_, at, bytes, [&](std::span<std::byte> piece) {
               to.push_back({piece.data(), piece.size()});
           }) == 0;
}

} // namespace segue::vmm::virtio
