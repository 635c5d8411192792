// SPDX-License-Identifier: Apache-2.0
// dirty.hpp - the log of written pages for a mode, typed: <segue/abi/dirty.h>.
#pragma once

#include <bit>
#include <span>

#include <segue/abi/dirty.h>
#include <segue/cpp/host.hpp>

namespace segue {

// May be copied; lives as long as the mode's instance. [update, and the mode's own threads]
class DirtyLog {
public:
    explicit DirtyLog(const Host& host)
        : t_(host.service<segue_host_dirty>(SEGUE_DIRTY_ID)) {}

    // Finds what was written since; how many pages there are to be taken.
    Result<std::uint64_t> look() const {
        std::uint64_t pages = 0;
        SEGUE_TRY(Host::call([&](segue_error* e) { return t_->look(t_->h, &pages, e); }));
        return pages;
    }
    // Those of bits.size() * 64 pages from `first` on, a multiple of 64.
    Status take(std::uint32_t block, std::uint64_t first, std::span<std::uint64_t> bits) const {
        return Host::call([&](segue_error* e) {
            return t_->take(t_->h, block, first, bits.size() * 64, bits.data(), e);
        });
    }

private:
    const segue_host_dirty* t_;
};

// Calls use(first, n), a Status, for each run of set bits; bit 0 of bits[0] is number `first`.
template <class F>
Status for_runs(std::span<const std::uint64_t> bits, std::uint64_t first, F use) {
    const std::uint64_t end = bits.size() * 64;
    const auto next = [&](std::uint64_t at, bool set) { // the next that is set, or not
        while (at < end) {
            const std::uint64_t word = (set ? bits[at / 64] : ~bits[at / 64]) >> at % 64;
            if (word != 0)
                return at + static_cast<std::uint64_t>(std::countr_zero(word));
            at += 64 - at % 64;
        }
        return end;
    };
    for (std::uint64_t at = next(0, true); at < end;) {
        const std::uint64_t stop = next(at, false);
        SEGUE_TRY(use(first + at, stop - at));
        at = next(stop, true);
    }
    return {};
}

} // namespace segue
