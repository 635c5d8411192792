// SPDX-License-Identifier: Apache-2.0
// runs.hpp - runs of guest pages on a channel: each with a number and a checksum, all of them with
// a trailer, so that a page that was changed, lost, doubled or moved is found and named.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <segue/abi/update.h>

#include "core/state/checksum.hpp"
#include "core/update/ram_places.hpp"
#include "core/update/received.hpp"

namespace segue::update {

inline constexpr std::uint64_t kPage = 4096;
// The longest run with bytes; one of zero pages may be of any length.
inline constexpr std::uint64_t kRunPages = (4u << 20) / kPage;

// How many follow a run of `p`.
inline std::uint64_t run_bytes(const segue_pages& p) {
    return (p.flags & SEGUE_PAGES_ZERO) != 0 ? 0 : p.n * kPage;
}

// What begins a frame of type Pages, as it is on the wire.
struct Run {
    segue_pages pages = {};
    std::uint64_t number = 0;   // of the run on its channel, from 0
    std::uint64_t at = 0;       // of the bytes in the channel's file; 0: they follow
    std::uint64_t checksum = 0; // XXH3-64 of all before and of the pages' bytes

    std::uint64_t bytes() const { return run_bytes(pages); }
    std::uint64_t checksum_with(std::span<const std::byte> content) const {
        const auto all = std::as_bytes(std::span(this, 1));
        return state::checksum(all.first(offsetof(Run, checksum)), content);
    }
};
static_assert(sizeof(Run) == 48, "part of the wire format");

// Everything that one channel brought; a frame of type RamEnd, as it is on the wire. The digest is
// of each run's header after the digest of those before.
struct RunTotals {
    std::uint64_t runs = 0;
    std::uint64_t pages = 0; // the zero ones as well
    std::uint64_t bytes = 0;
    state::Digest digest = {};

    void add(const Run& run) {
        ++runs;
        pages += run.pages.n;
        bytes += run.bytes();
        digest = state::digest(digest, std::as_bytes(std::span(&run, 1)));
    }
    bool operator==(const RunTotals&) const = default;
};
static_assert(sizeof(RunTotals) == 40, "part of the wire format");

// What one side knows of the RAM on one channel.
struct ChannelRam {
    RunTotals totals;
    std::optional<RamPlaces> places; // once a run was written beside the frames, or read
    std::vector<ReceivedMap> placed; // outgoing: one a block; a page is written there only once
};

} // namespace segue::update
