// SPDX-License-Identifier: Apache-2.0
// page_bits.hpp - one bit a 4 KiB page of a region of guest RAM.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <vector>

namespace segue::vmm {

inline constexpr std::uint64_t kPageBytes = 4096;

// Set and taken by several threads at a time: who takes a bit sees what was written before it was
// set. [any]
class PageBits {
public:
    explicit PageBits(std::uint64_t pages)
        : pages_(pages)
        , words_((pages + 63) / 64) {}

    std::uint64_t pages() const { return pages_; }
    std::size_t words() const { return words_.size(); }

    // [first, first + n) lies within the region; n is not 0.
    void set(std::uint64_t first, std::uint64_t n) noexcept {
        for (const std::uint64_t end = first + n; first < end;) {
            const std::uint64_t here = std::min<std::uint64_t>(end - first, 64 - first % 64);
            set_word(first / 64, (~0ull >> (64 - here)) << first % 64);
            first += here;
        }
    }
    void set_word(std::size_t word, std::uint64_t bits) noexcept {
        if (bits != 0)
            words_[word].fetch_or(bits, std::memory_order_release);
    }
    // Gives those of `mask` that were set; they are not any more.
    std::uint64_t take(std::size_t word, std::uint64_t mask = ~0ull) noexcept {
        if (words_[word].load(std::memory_order_relaxed) == 0)
            return 0;
        return words_[word].fetch_and(~mask, std::memory_order_acq_rel) & mask;
    }
    void clear() noexcept {
        for (auto& w : words_)
            w.store(0, std::memory_order_relaxed);
    }
    std::uint64_t count() const noexcept {
        std::uint64_t n = 0;
        for (const auto& w : words_)
            n += static_cast<std::uint64_t>(std::popcount(w.load(std::memory_order_relaxed)));
        return n;
    }

private:
    std::uint64_t pages_;
    std::vector<std::atomic<std::uint64_t>> words_;
};

} // namespace segue::vmm
