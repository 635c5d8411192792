// SPDX-License-Identifier: Apache-2.0
#include "outstanding.hpp"

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

namespace postcopy {

namespace {

constexpr std::uint64_t kPage = 4096;

void set(std::vector<std::uint64_t>& bits, std::uint64_t first, std::uint64_t n, bool on) {
    for (const std::uint64_t end = first + n; first < end;) {
        const std::uint64_t here = std::min<std::uint64_t>(end - first, 64 - first % 64);
        const std::uint64_t mask = (~std::uint64_t{0} >> (64 - here)) << first % 64;
        bits[first / 64] = on ? bits[first / 64] | mask : bits[first / 64] & ~mask;
        first += here;
    }
}

} // namespace

Outstanding::Outstanding(const std::vector<segue_block>& blocks) {
    blocks_.reserve(blocks.size());
    for (const segue_block& b : blocks) {
        const std::uint64_t pages = b.bytes / kPage;
        blocks_.push_back({pages, (std::uint64_t{1} << b.page_shift) / kPage,
                           std::vector<std::uint64_t>((pages + 63) / 64)});
    }
}

void Outstanding::count() {
    std::uint64_t all = 0;
    for (const Block& b : blocks_)
        for (const std::uint64_t word : b.bits)
            all += static_cast<std::uint64_t>(std::popcount(word));
    left_ = all;
}

void Outstanding::add(std::uint32_t block, std::uint64_t first,
                      std::span<const std::uint64_t> bits) {
    const std::lock_guard lock(mutex_);
    Block& b = blocks_[block];
    for (std::size_t i = 0; i < bits.size() && first / 64 + i < b.bits.size(); ++i) {
        left_ += static_cast<std::uint64_t>(std::popcount(bits[i] & ~b.bits[first / 64 + i]));
        b.bits[first / 64 + i] |= bits[i];
    }
}

void Outstanding::clear() {
    const std::lock_guard lock(mutex_);
    asked_.reset();
    for (Block& b : blocks_)
        std::fill(b.bits.begin(), b.bits.end(), 0);
    left_ = 0;
}

void Outstanding::round_up() {
    const std::lock_guard lock(mutex_);
    for (Block& b : blocks_)
        for (std::uint64_t at = 0; b.whole > 1 && at < b.pages; at += b.whole)
            if (find(b, at, at + b.whole, true) < at + b.whole)
                set(b.bits, at, b.whole, true);
    count();
}

// The first in [from, to) whose bit is so; `to`: there is none.
std::uint64_t Outstanding::find(const Block& block, std::uint64_t from, std::uint64_t to,
                                bool set) {
    while (from < to) {
        const std::uint64_t bits = set ? block.bits[from / 64] : ~block.bits[from / 64];
        if (const std::uint64_t word = bits >> from % 64; word != 0)
            return std::min(to, from + static_cast<std::uint64_t>(std::countr_zero(word)));
        from += 64 - from % 64;
    }
    return to;
}

segue_pages Outstanding::run_in(std::uint32_t block, std::uint64_t from, std::uint64_t to,
                                std::uint64_t most) {
    Block& b = blocks_[block];
    const std::uint64_t first = find(b, from, to, true);
    if (first == to)
        return {};
    const std::uint64_t n = find(b, first, std::min(to, first + most), false) - first;
    set(b.bits, first, n, false);
    left_ -= n;
    return {block, 0, first, n};
}

// Of the page in the middle of which next() is; where that is: it is in the middle of none.
std::uint64_t Outstanding::end_of_page() const {
    const Block& b = blocks_[block_];
    const std::uint64_t end = (page_ + b.whole - 1) / b.whole * b.whole;
    return end != page_ && find(b, page_, end, true) < end ? end : page_;
}

segue_pages Outstanding::next(std::uint64_t most) {
    const std::lock_guard lock(mutex_);
    if (asked_) {
        if (const std::uint64_t end = end_of_page(); end != page_) {
            const segue_pages run = run_in(block_, page_, end, most);
            page_ = run.first + run.n;
            return run;
        }
        std::tie(block_, page_) = *std::exchange(asked_, std::nullopt);
    }
    for (std::size_t looked = 0; left_ != 0 && looked <= blocks_.size(); ++looked) {
        const segue_pages run = run_in(block_, page_, blocks_[block_].pages, most);
        if (run.n != 0) {
            page_ = run.first + run.n;
            return run;
        }
        block_ = (block_ + 1) % static_cast<std::uint32_t>(blocks_.size());
        page_ = 0;
    }
    return {};
}

std::vector<segue_pages> Outstanding::take(const segue_pages& asked) {
    const std::lock_guard lock(mutex_);
    std::vector<segue_pages> runs;
    if (asked.block >= blocks_.size() || asked.first >= blocks_[asked.block].pages)
        return runs;
    const std::uint64_t pages = blocks_[asked.block].pages;
    const std::uint64_t end = asked.first + std::min(asked.n, pages - asked.first);
    for (segue_pages run = run_in(asked.block, asked.first, end, pages); run.n != 0;
         run = run_in(asked.block, run.first + run.n, end, pages))
        runs.push_back(run);
    asked_ = {asked.block, end};
    return runs;
}

} // namespace postcopy
