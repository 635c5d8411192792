// SPDX-License-Identifier: Apache-2.0
// written_pages.hpp - which pages of guest RAM this process itself has written: KVM's log sees only
// what vCPUs and KVM write.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vmm/memory/page_bits.hpp"

namespace segue::vmm {

// Off, marking costs one load. Whoever writes marks afterwards: a page that was looked at in
// between is looked at once more. [any; on() and off() one at a time]
class WrittenPages {
public:
    // `bytes` of each region.
    explicit WrittenPages(std::vector<std::uint64_t> bytes)
        : bytes_(std::move(bytes)) {}

    bool is_on() const noexcept { return on_.load(std::memory_order_acquire); }
    // Nothing is marked yet. The bits stay when it is off again: somebody may be setting one.
    void on() {
        if (regions_.empty())
            for (const std::uint64_t b : bytes_)
                regions_.emplace_back((b + kPageBytes - 1) / kPageBytes);
        for (PageBits& r : regions_)
            r.clear();
        on_.store(true, std::memory_order_seq_cst);
    }
    void off() noexcept { on_.store(false, std::memory_order_relaxed); }

    // Bytes of a region; not 0.
    void mark(std::size_t region, std::uint64_t first, std::uint64_t bytes) noexcept {
        const std::uint64_t page = first / kPageBytes;
        regions_[region].set(page, (first + bytes - 1) / kPageBytes - page + 1);
    }
    // While it is on: those of 64 pages that were marked; they are not any more.
    std::uint64_t take(std::size_t region, std::size_t word) noexcept {
        return regions_[region].take(word);
    }

private:
    std::vector<std::uint64_t> bytes_;
    std::vector<PageBits> regions_; // from the first on() on
    std::atomic<bool> on_{false};
};

} // namespace segue::vmm
