// SPDX-License-Identifier: Apache-2.0
// userfault.hpp - RAM that comes after the guest runs, for a mode, typed:
// <segue/abi/userfault.h>.
#pragma once

#include <span>

#include <segue/abi/userfault.h>
#include <segue/cpp/host.hpp>

namespace segue {

// May be copied; lives as long as the mode's instance. [update, and the mode's own threads]
class Userfault {
public:
    explicit Userfault(const Host& host)
        : t_(host.service<segue_host_userfault>(SEGUE_USERFAULT_ID)) {}

    // Those of bits.size() * 64 pages from `first` on, a multiple of 64.
    Status discard(std::uint32_t block, std::uint64_t first,
                   std::span<const std::uint64_t> bits) const {
        return Host::call([&](segue_error* e) {
            return t_->discard(t_->h, block, first, bits.size() * 64, bits.data(), e);
        });
    }
    Status arm() const {
        return Host::call([&](segue_error* e) { return t_->arm(t_->h, e); });
    }
    // Waits; how many of `room` are filled. 0: no more.
    Result<std::uint32_t> faults(std::span<segue_fault> room) const {
        std::uint32_t n = 0;
        SEGUE_TRY(Host::call([&](segue_error* e) {
            return t_->faults(t_->h, room.data(), static_cast<std::uint32_t>(room.size()), &n, e);
        }));
        return n;
    }
    Result<std::uint64_t> missing() const {
        std::uint64_t pages = 0;
        SEGUE_TRY(Host::call([&](segue_error* e) { return t_->missing(t_->h, &pages, e); }));
        return pages;
    }
    Status disarm() const {
        return Host::call([&](segue_error* e) { return t_->disarm(t_->h, e); });
    }
    Status drop(std::uint32_t block, std::uint64_t first, std::uint64_t n) const {
        return Host::call([&](segue_error* e) { return t_->drop(t_->h, block, first, n, e); });
    }

private:
    const segue_host_userfault* t_;
};

} // namespace segue
