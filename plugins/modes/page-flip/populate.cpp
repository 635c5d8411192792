// SPDX-License-Identifier: Apache-2.0
#include "populate.hpp"

#include <algorithm>

#include <segue/cpp/sys.hpp>

namespace page_flip {

using namespace segue;

namespace {

constexpr std::uint64_t kAtOnce = 64u << 20; // between two looks at the engine

Status populate(const Update& update, const segue_block& block, std::byte* base) {
    const std::uint64_t end = block.offset + block.bytes;
    for (std::uint64_t at = block.offset; at < end;) {
        const sys::Extent data = sys::next_data(block.fd, at, end);
        at = std::min(data.end, data.start + kAtOnce);
        if (data.start < at) // before Linux 5.14 it takes place as the guest runs
            (void)::madvise(base + (data.start - block.offset), at - data.start,
                            MADV_POPULATE_WRITE);
        SEGUE_TRY(update.checkpoint());
    }
    return {};
}

} // namespace

Status populate(const Host& host, std::span<const std::byte> which) {
    const Ram ram(host);
    SEGUE_ASSIGN(const std::vector<segue_block> blocks, ram.blocks());
    for (std::uint32_t i = 0; i < blocks.size() && i < which.size(); ++i) {
        if (which[i] == std::byte{0})
            continue;
        SEGUE_ASSIGN(void* base, ram.map(i));
        SEGUE_TRY(populate(Update(host), blocks[i], static_cast<std::byte*>(base)));
    }
    return {};
}

} // namespace page_flip
