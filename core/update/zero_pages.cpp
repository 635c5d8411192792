// SPDX-License-Identifier: Apache-2.0
#include "core/update/zero_pages.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace segue::update {

namespace {

// Every file system answers for a file of its own; for anything else there are no holes.
bool knows_holes(int fd) {
    return ::lseek(fd, 0, SEEK_HOLE) >= 0;
}

} // namespace

// To find the end of an extent costs the kernel time with the extent's length, so for a short range
// the file is not asked: a mode that sends short ranges knows that they were written to.
ZeroPages::ZeroPages(const inventory::RamBlock& block, const segue_pages& asked)
    : block_(block)
    , left_(asked)
    , sparse_((block.map_flags & MAP_SHARED) != 0 && asked.n > kRunPages &&
              knows_holes(block.fd.get())) {
    left_.flags = 0;
}

bool ZeroPages::zero(std::uint64_t page) const {
    const std::byte* p = block_.base() + page * kPage;
    return *p == std::byte{0} && std::memcmp(p, p + 1, kPage - 1) == 0;
}

// How many pages from the first one on lie in a hole.
std::uint64_t ZeroPages::hole() {
    if (!sparse_)
        return 0;
    if (left_.first >= data_.end) {
        const std::uint64_t from = block_.offset + left_.first * kPage;
        const sys::Extent e = sys::next_data(block_.fd.get(), from, from + left_.n * kPage);
        data_.start = (std::max(e.start, from) - block_.offset) / kPage;
        data_.end = (std::max(e.end, from) - block_.offset + kPage - 1) / kPage;
    }
    return data_.start > left_.first ? data_.start - left_.first : 0;
}

std::optional<segue_pages> ZeroPages::next() {
    if (left_.n == 0)
        return std::nullopt;
    segue_pages run = left_;
    run.n = hole();
    bool all_zero = run.n != 0;
    if (run.n == 0) {
        all_zero = zero(left_.first);
        const std::uint64_t end = sparse_ ? data_.end - left_.first : left_.n;
        const std::uint64_t most = all_zero ? end : std::min(end, kRunPages);
        for (run.n = 1; run.n < most && zero(left_.first + run.n) == all_zero;)
            ++run.n;
    }
    run.flags = all_zero ? SEGUE_PAGES_ZERO : 0;
    left_.first += run.n;
    left_.n -= run.n;
    return run;
}

} // namespace segue::update
