// SPDX-License-Identifier: Apache-2.0
// header.hpp - who wrote a state container, and of which guest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <segue/cpp/result.hpp>

namespace segue::state {

using Uuid = std::array<std::uint8_t, 16>;

inline constexpr std::uint32_t kFormatVersion = 1;

// The container's header in memory. On disk: header.cpp.
struct Header {
    Uuid guest = {};
    std::uint32_t generation = 0; // of the writer
    std::uint32_t attempt = 0;
    std::string machine; // machine version, at most 31 bytes
    std::string creator; // program version, at most 31 bytes
    // The ownership word at rest: only in a file, 0 elsewhere. Not covered by any checksum, because
    // it changes while the rest does not; at kWordOffset in the container.
    std::uint64_t word = 0;
};

inline constexpr std::uint64_t kWordOffset = 8;

// The header of a container that may come from anywhere: magic, version and its own checksum are
// checked, what follows it is not. UNSUPPORTED for another format version.
Result<Header> read_header(std::span<const std::byte> container);

} // namespace segue::state
