// SPDX-License-Identifier: Apache-2.0
// raw_frame.hpp - a frame's header as it lies on a channel, little-endian.
#pragma once

#include <cstdint>

namespace segue::update {

inline constexpr std::uint32_t kFrameMagic = 0x31434753; // "SGC1"

struct RawHeader {
    std::uint32_t magic, type, fds, reserved;
    std::uint64_t length;
};

} // namespace segue::update
