// SPDX-License-Identifier: Apache-2.0
// bits.hpp - which pages are missing, from one side to the other.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include <segue/cpp/update.hpp>

#include "outstanding.hpp"

namespace postcopy {

// Of pages of a block from `first` on, a multiple of 64.
struct Bits {
    std::uint32_t block;
    std::uint64_t first;
    std::span<const std::uint64_t> bits;
};

segue::Status send_bits(const segue::UpdateChannel& to, const Outstanding& pages,
                        const std::vector<segue_block>& blocks);
// How many they are; `use` is called with each piece, in their order.
segue::Result<std::uint64_t> receive_bits(const segue::UpdateChannel& from,
                                          const std::vector<segue_block>& blocks,
                                          const std::function<segue::Status(const Bits&)>& use);

} // namespace postcopy
