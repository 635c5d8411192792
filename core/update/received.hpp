// SPDX-License-Identifier: Apache-2.0
// received.hpp - which pages of a block that moves have arrived; no commit before all have.
#pragma once

#include <cstdint>
#include <vector>

namespace segue::update {

// One bit a 4 KiB page. [any: threads may mark at a time; missing() after they have]
class ReceivedMap {
public:
    explicit ReceivedMap(std::uint64_t pages)
        : pages_(pages)
        , bits_((pages + 63) / 64) {}

    // [first, first + n) lies within the block. How many of them had not come before.
    std::uint64_t mark(std::uint64_t first, std::uint64_t n) {
        std::uint64_t fresh = 0;
        each_word(first, n, [&](std::uint64_t word, std::uint64_t run) {
            fresh += count(run & ~__atomic_fetch_or(&bits_[word], run, __ATOMIC_SEQ_CST));
        });
        return fresh;
    }
    // Those count as not come.
    void clear(std::uint64_t first, std::uint64_t n) {
        each_word(first, n, [this](std::uint64_t word, std::uint64_t run) {
            __atomic_fetch_and(&bits_[word], ~run, __ATOMIC_RELEASE);
        });
    }
    // Whether one of those pages has come.
    bool any(std::uint64_t first, std::uint64_t n) const {
        std::uint64_t found = 0;
        each_word(first, n, [&](std::uint64_t word, std::uint64_t run) {
            found |= __atomic_load_n(&bits_[word], __ATOMIC_SEQ_CST) & run;
        });
        return found != 0;
    }
    std::uint64_t missing() const {
        std::uint64_t there = 0;
        for (const std::uint64_t w : bits_)
            there += count(w);
        return pages_ - there;
    }
    std::uint64_t pages() const { return pages_; }

private:
    static std::uint64_t count(std::uint64_t word) {
        return static_cast<std::uint64_t>(__builtin_popcountll(word));
    }
    // The words that hold [first, first + n), and which of their bits.
    template <class F>
    static void each_word(std::uint64_t first, std::uint64_t n, F f) {
        for (std::uint64_t p = first; p < first + n;) {
            const std::uint64_t bit = p % 64;
            const std::uint64_t here = n - (p - first) < 64 - bit ? n - (p - first) : 64 - bit;
            f(p / 64, (here == 64 ? ~0ull : ((1ull << here) - 1)) << bit);
            p += here;
        }
    }

    std::uint64_t pages_;
    std::vector<std::uint64_t> bits_;
};

} // namespace segue::update
