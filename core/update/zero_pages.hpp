// SPDX-License-Identifier: Apache-2.0
// zero_pages.hpp - which pages of a block need no bytes on their way.
#pragma once

#include <optional>

#include <segue/cpp/sys.hpp>

#include "core/inventory/inventory.hpp"
#include "core/update/runs.hpp"

namespace segue::update {

// Cuts a range of a block into runs that are all zero, or have no zero page. A hole of the block's
// file is found without touching it: reading it through the mapping would make a page. [update, or
// a mode's thread]
class ZeroPages {
public:
    // `asked`: within the block.
    ZeroPages(const inventory::RamBlock& block, const segue_pages& asked);

    // The next run, SEGUE_PAGES_ZERO set or not, and at most kRunPages of pages that are not;
    // nullopt at the end.
    std::optional<segue_pages> next();

private:
    std::uint64_t hole();
    bool zero(std::uint64_t page) const;

    const inventory::RamBlock& block_;
    segue_pages left_;
    bool sparse_;      // the file says where its holes are
    sys::Extent data_; // pages of the block: the next that the file holds
};

} // namespace segue::update
