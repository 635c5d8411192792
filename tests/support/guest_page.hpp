// SPDX-License-Identifier: Apache-2.0
// guest_page.hpp - for tests: what a metronome says of itself, read from its RAM.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <segue/cpp/mapping.hpp>
#include <segue/cpp/result.hpp>

#include "core/base/deadline.hpp"
#include "core/control/service.hpp"
#include "core/observer/page.h"

namespace segue::test {

// The mapping outlives the VMM that made the RAM, and is the same in every generation, unless the
// guest was copied. [any]
class GuestPage {
public:
    // Waits until a guest is up in that RAM.
    static Result<GuestPage> open(const control::RamInfo& ram, Deadline deadline);
    // Of one that is up, or sleeps.
    static Result<GuestPage> map(const control::RamInfo& ram);

    std::vector<std::uint64_t> counters() const;
    std::uint64_t boots() const { return page().header.boot_count; }
    std::uint64_t wakes() const { return page().header.wake_count; }
    // "" where every check of the guest held so far; else what did not.
    std::string errors() const;
    // Waits until every vCPU has counted on and, where its share is filled, verified all of it
    // twice from here on: what was lost before is then found.
    Status verify(Deadline deadline) const;
    // Until it has counted on at all.
    Status counts(Deadline deadline) const;
    // Until it has booted once more, to where open() found it.
    Status boots_again(std::uint64_t times, Deadline deadline) const;
    // Until it has found exactly the one wrong byte that it was told to make (console input `e`).
    Status finds_one_error(Deadline deadline) const;

private:
    GuestPage(Mapping map, std::uint64_t lead)
        : map_(std::move(map))
        , lead_(lead) {}
    const volatile segue_page& page() const {
        return *reinterpret_cast<const volatile segue_page*>(map_.data() + lead_);
    }
    template <class Done>
    Status until(Done done, Deadline deadline, const char* what) const;
    Status until_up(std::uint64_t steps, std::uint64_t sweeps, Deadline deadline) const;

    Mapping map_;
    std::uint64_t lead_; // bytes of it before the page
};

} // namespace segue::test
