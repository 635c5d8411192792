// SPDX-License-Identifier: Apache-2.0
#include "populate.hpp"

#include <algorithm>

#include <segue/cpp/sys.hpp>

namespace page_flip {

using namespace segue;

namespace {

constexpr std::uint64_t kAtOnce = 64u << 20; // between two looks at the engine

} // namespace

Result<Populate> Populate::of(const Host& host, std::span<const std::byte> which) {
    const Ram ram(host);
    SEGUE_ASSIGN(const std::vector<segue_block> blocks, ram.blocks());
    std::vector<Filled> filled;
    filled.reserve(blocks.size());
    for (std::uint32_t i = 0; i < blocks.size() && i < which.size(); ++i) {
        if (which[i] == std::byte{0})
            continue;
        SEGUE_ASSIGN(void* base, ram.map(i));
        filled.push_back({blocks[i], static_cast<std::byte*>(base), 0});
    }
    return Populate(host, std::move(filled));
}

Status Populate::but(std::uint64_t left) {
    std::vector<std::uint64_t> there(
        blocks_.size()); // bytes of each: the last one lacks them first
    for (std::size_t i = blocks_.size(); i-- != 0;) {
        const std::uint64_t lacks = std::min(left, blocks_[i].block.bytes);
        there[i] = blocks_[i].block.bytes - lacks;
        left -= lacks;
    }
    for (std::size_t i = 0; i < blocks_.size(); ++i)
        SEGUE_TRY(fill(blocks_[i], there[i]));
    return {};
}

// Its first `bytes`.
Status Populate::fill(Filled& f, std::uint64_t bytes) const {
    while (f.done < bytes) {
        const std::uint64_t from = f.block.offset;
        const sys::Extent data = sys::next_data(f.block.fd, from + f.done, from + bytes);
        const std::uint64_t to = std::min(data.end, data.start + kAtOnce);
        if (data.start < to) // before Linux 5.14 it takes place as the guest runs
            (void)::madvise(f.base + (data.start - from), to - data.start, MADV_POPULATE_WRITE);
        f.done = to - from;
        SEGUE_TRY(update_.checkpoint());
    }
    return {};
}

} // namespace page_flip
