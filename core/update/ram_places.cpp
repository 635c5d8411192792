// SPDX-License-Identifier: Apache-2.0
#include "core/update/ram_places.hpp"

#include <algorithm>

#include <segue/abi/mode.h>

namespace segue::update {

namespace {

constexpr std::uint64_t kPage = 4096, kAlign = 2u << 20;

std::uint64_t aligned(std::uint64_t at, std::uint64_t to) {
    return (at + to - 1) / to * to;
}

} // namespace

RamPlaces::RamPlaces(const std::vector<inventory::RamBlock>& blocks,
                     std::span<const std::uint32_t> ram_of_block, std::uint64_t from) {
    std::uint64_t end = from;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (i >= ram_of_block.size() || (ram_of_block[i] & SEGUE_RAM_IN_PLACE) != 0) {
            words_.push_back(0);
            continue;
        }
        words_.push_back(aligned(end, std::max(kAlign, std::uint64_t{1} << blocks[i].page_shift)));
        end = words_.back() + blocks[i].bytes;
    }
    words_.push_back(aligned(end, kPage));
}

Result<RamPlaces> RamPlaces::read(std::span<const std::uint64_t> words,
                                  const std::vector<inventory::RamBlock>& blocks,
                                  std::uint64_t from) {
    bool sound = words.size() == blocks.size() + 1 && words.back() >= from;
    for (std::size_t i = 0; sound && i < blocks.size(); ++i)
        sound = words[i] == 0 ||
                (words[i] % kPage == 0 && words[i] >= from && blocks[i].bytes <= words.back() &&
                 words[i] <= words.back() - blocks[i].bytes);
    if (!sound)
        return Error(Code::Corrupt, "the file says of RAM that it lies where it cannot");
    return RamPlaces(words);
}

} // namespace segue::update
