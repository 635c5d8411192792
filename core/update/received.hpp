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

    // [first, first + n) lies within the block.
    void mark(std::uint64_t first, std::uint64_t n) {
        for (std::uint64_t p = first; p < first + n;) {
            const std::uint64_t word = p / 64, bit = p % 64;
            const std::uint64_t here = n - (p - first) < 64 - bit ? n - (p - first) : 64 - bit;
            const std::uint64_t run = (here == 64 ? ~0ull : ((1ull << here) - 1)) << bit;
            __atomic_fetch_or(&bits_[word], run, __ATOMIC_RELEASE);
            p += here;
        }
    }
    std::uint64_t missing() const {
        std::uint64_t there = 0;
        for (const std::uint64_t w : bits_)
            there += static_cast<std::uint64_t>(__builtin_popcountll(w));
        return pages_ - there;
    }
    std::uint64_t pages() const { return pages_; }

private:
    std::uint64_t pages_;
    std::vector<std::uint64_t> bits_;
};

} // namespace segue::update
