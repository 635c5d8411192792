// SPDX-License-Identifier: Apache-2.0
// checksum.hpp - XXH3 over two pieces of memory, as if they lay end to end. It finds accidents, not
// forgers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace segue::state {

using Digest = std::array<std::byte, 16>;

std::uint64_t checksum(std::span<const std::byte> first, std::span<const std::byte> second);
// Canonical (big-endian) form of XXH3's 128 bits.
Digest digest(std::span<const std::byte> first, std::span<const std::byte> second);

} // namespace segue::state
