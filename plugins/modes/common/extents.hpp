// SPDX-License-Identifier: Apache-2.0
// extents.hpp - which pages of a block are holes of its file, without reading them: that would make
// a page of each.
#pragma once

#include <cstdint>

#include <segue/abi/memory.h>
#include <segue/abi/update.h>

namespace segue::modes {

// For runs in rising order. [one thread]
class Extents {
public:
    explicit Extents(const segue_block& block);

    // The first pages of `run` that are all in a hole, SEGUE_PAGES_ZERO set, or all data. To be
    // asked once they were taken from the dirty log: what is written later is in it.
    segue_pages first_of(segue_pages run);

private:
    const segue_block& block_;
    bool sparse_; // the file says where its holes are
    // Known to be data, pages: to find its end takes time with its length. What was data may be
    // read, whatever became of it; what was a hole may be one no more, and is asked for anew.
    std::uint64_t begin_ = 0, end_ = 0;
};

} // namespace segue::modes
