// SPDX-License-Identifier: Apache-2.0
#include "plugins/modes/common/extents.hpp"

#include <sys/mman.h>

#include <algorithm>

#include <segue/cpp/sys.hpp>

namespace segue::modes {

namespace {

constexpr std::uint64_t kPage = 4096;

} // namespace

Extents::Extents(const segue_block& block)
    : block_(block)
    , sparse_(block.fd >= 0 && (block.map_flags & MAP_SHARED) != 0 &&
              ::lseek(block.fd, 0, SEEK_HOLE) >= 0) {}

segue_pages Extents::first_of(segue_pages run) {
    if (!sparse_)
        return run;
    if (run.first < begin_ || run.first >= end_) {
        const std::uint64_t from = block_.offset + run.first * kPage;
        const std::uint64_t data = sys::next_data(block_.fd, from, from + run.n * kPage).start;
        if (const std::uint64_t hole = (data - from) / kPage; hole != 0) {
            run.n = hole;
            run.flags = SEGUE_PAGES_ZERO;
            return run;
        }
        const auto known = sys::next_data(block_.fd, from, block_.offset + block_.bytes);
        begin_ = run.first;
        end_ = std::max((known.end - block_.offset + kPage - 1) / kPage, run.first + 1);
    }
    run.n = std::min(run.n, end_ - run.first);
    return run;
}

} // namespace segue::modes
