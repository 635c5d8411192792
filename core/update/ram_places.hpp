// SPDX-License-Identifier: Apache-2.0
// ram_places.hpp - where RAM lies in a channel's file: each block at an aligned offset of its own,
// its pages in their order, so that the file's holes are the guest's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/inventory/inventory.hpp"

namespace segue::update {

// A frame of type RamPlaces is words(), little-endian: one a block, then the end.
class RamPlaces {
public:
    // Behind `from`, for the blocks that move: each aligned to 2 MiB, or to its own page where
    // that is larger.
    RamPlaces(const std::vector<inventory::RamBlock>& blocks,
              std::span<const std::uint32_t> ram_of_block, std::uint64_t from);
    // What stands in a file. CORRUPT where it could not have been made for these blocks.
    static Result<RamPlaces> read(std::span<const std::uint64_t> words,
                                  const std::vector<inventory::RamBlock>& blocks,
                                  std::uint64_t from);

    // Of a block's first page in the file; 0: it does not lie there.
    std::uint64_t of(std::size_t block) const { return words_.at(block); }
    // Where the frames go on.
    std::uint64_t end() const { return words_.back(); }
    std::span<const std::uint64_t> words() const { return words_; }

private:
    explicit RamPlaces(std::span<const std::uint64_t> words)
        : words_(words.begin(), words.end()) {}
    std::vector<std::uint64_t> words_;
};

} // namespace segue::update
