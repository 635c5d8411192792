// SPDX-License-Identifier: Apache-2.0
// converting.cpp - of an outgoing update: RAM that no other process can be given becomes memory
// that can, while the guest runs.
#include <sys/mman.h>

#include <segue/abi/ram_convert.h>

#include "core/update/outgoing.hpp"

namespace segue::update {

namespace {

constexpr std::uint64_t kSurvives = SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER;

} // namespace

Status Outgoing::share_ram() {
    if ((attempt_.plan.needs & SEGUE_NEEDS_RAM_CONVERT) == 0)
        return {};
    SEGUE_ASSIGN(attempt_.session.ram_fds, ctx_.ram_converter.start());
    attempt_.session.convert = [this](std::uint64_t copy) { return convert(copy); };
    return {};
}

// Tells of such a block what it will be.
Status Outgoing::announce_shared(inventory::Facts& facts) const {
    const std::vector<int>& fds = attempt_.session.ram_fds;
    for (std::size_t i = 0; i < fds.size(); ++i) {
        if (fds[i] < 0)
            continue;
        inventory::BlockFacts& block = facts.blocks.at(i);
        SEGUE_TRY(inventory::describe_file(block, fds[i]));
        block.offset = 0;
        block.survives = kSurvives;
        block.map_flags = MAP_SHARED;
    }
    return {};
}

Result<segue_converted> Outgoing::convert(std::uint64_t copy) {
    const Watchdog::Own own(watchdog_, kCancelGrace); // it waits for the host's disks
    segue_converted done = {};
    SEGUE_ASSIGN(const bool more, ctx_.ram_converter.make_ready(copy));
    if (!more)
        return done;
    const PhaseDeadlines& d = attempt_.request.deadlines;
    ports::Converted moved;
    const auto move = [&]() -> Status {
        SEGUE_ASSIGN(moved, ctx_.ram_converter.convert());
        return {};
    };
    SEGUE_ASSIGN(const std::chrono::nanoseconds stop,
                 ctx_.run.while_still(Deadline::in(d.drain), Deadline::in(d.pause), move));
    done.bytes = moved.bytes;
    done.copied = moved.copied;
    done.left = moved.left;
    done.stop_us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(stop).count());
    return done;
}

} // namespace segue::update
