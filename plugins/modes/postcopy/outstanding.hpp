// SPDX-License-Identifier: Apache-2.0
// outstanding.hpp - the pages that have not been sent when the guest goes.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <segue/abi/memory.h>
#include <segue/abi/update.h>

namespace postcopy {

// Each is given out once. Pages of 4 KiB, by block. [any]
class Outstanding {
public:
    explicit Outstanding(const std::vector<segue_block>& blocks);

    // Those whose bit is set, bit 0 of bits[0] being page `first`, a multiple of 64. Before they
    // are given out.
    void add(std::uint32_t block, std::uint64_t first, std::span<const std::uint64_t> bits);
    void clear();
    // A page larger than 4 KiB of which some is outstanding is so as a whole from now on.
    void round_up();
    std::span<const std::uint64_t> bits(std::uint32_t block) const { return blocks_[block].bits; }
    std::uint64_t left() const { return left_; }

    // The next run of at most `most` pages, from the pages asked for last on, once the page that it
    // is in is out: the other side keeps a page of which some has come beside the guest's RAM. n ==
    // 0: there is none.
    segue_pages next(std::uint64_t most);
    // What is left of those that were asked for, run by run; pages that no block has are not.
    std::vector<segue_pages> take(const segue_pages& asked);

private:
    struct Block {
        std::uint64_t pages, whole; // whole: of 4 KiB in one of the block's
        std::vector<std::uint64_t> bits;
    };
    static std::uint64_t find(const Block& block, std::uint64_t from, std::uint64_t to, bool set);
    segue_pages run_in(std::uint32_t block, std::uint64_t from, std::uint64_t to,
                       std::uint64_t most);
    void count();
    std::uint64_t end_of_page() const;

    std::mutex mutex_;
    std::vector<Block> blocks_;
    std::uint32_t block_ = 0; // where next() goes on
    std::uint64_t page_ = 0;
    std::optional<std::pair<std::uint32_t, std::uint64_t>> asked_; // where it goes on after that
    std::atomic<std::uint64_t> left_{0};
};

} // namespace postcopy
