// SPDX-License-Identifier: Apache-2.0
// populate.hpp - the page tables of RAM that is filled after it was mapped.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <segue/cpp/update.hpp>

namespace page_flip {

// Makes them for what exists in the files, while more is filled, so that the guest's first touch
// costs nothing on the new side. Holes stay holes. [update]
class Populate {
public:
    // `which`: a byte a block, not 0 where it is filled. They are filled in their order, from the
    // first byte on.
    static segue::Result<Populate> of(const segue::Host& host, std::span<const std::byte> which);

    // All but the last `left` bytes of them are filled.
    segue::Status but(std::uint64_t left);

private:
    struct Filled {
        segue_block block;
        std::byte* base;
        std::uint64_t done; // bytes
    };
    Populate(const segue::Host& host, std::vector<Filled> blocks)
        : update_(host)
        , blocks_(std::move(blocks)) {}
    segue::Status fill(Filled& f, std::uint64_t bytes) const;

    segue::Update update_;
    std::vector<Filled> blocks_;
};

} // namespace page_flip
