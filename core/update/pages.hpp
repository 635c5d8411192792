// SPDX-License-Identifier: Apache-2.0
// pages.hpp - runs of guest pages over a channel.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include <segue/abi/memory.h>
#include <segue/abi/update.h>

#include "core/update/session.hpp"

namespace segue::update {

// A block as the ABI shows it; the fd stays the inventory's.
segue_block as_abi(const inventory::RamBlock& block);
// All of them, for a mode's plan; the second as the other side has told of them.
std::vector<segue_block> as_abi(const std::vector<inventory::RamBlock>& blocks);
std::vector<segue_block> as_abi(const std::vector<inventory::BlockFacts>& blocks);

// Sends a range of a block, zero pages and holes without their bytes; n == 0 says that there are
// no more.
Status put_pages(Session& session, Channel& channel, const segue_pages& pages);
// Places the next run in its block and marks it received; n == 0 at the end, once all runs match
// their trailer. CORRUPT, naming block and pages: a run of a block that stays in place, or beyond
// its end, out of its order, or with other bytes than were sent.
Status get_pages(Session& session, Channel& channel, segue_pages& pages);
// The other side has them: their memory is given back.
Status drop_pages(const Session& session, const segue_pages& pages);
// REFUSED where a page of a block that moves before the commit has not come.
Status all_received(const Session& session);

// Where the bytes of a run should go; too little room: they are not read, which only bytes beside
// the frames (run.at) can bear.
using Room = std::function<Result<std::span<std::byte>>(const Run&)>;
// The run that `frame` announced, checked, its bytes at the front of its room; counted in
// channel.ram(). What get_pages() does, for a reader that keeps nothing, too.
Result<Run> receive_run(const Session& session, Channel& channel, const FrameHeader& frame,
                        const Room& room);
// The trailer that `frame` announced, compared with channel.ram(). And where RAM lies beside the
// frames, which go on behind it.
Status receive_totals(const Session& session, Channel& channel, const FrameHeader& frame);
Status receive_places(const Session& session, Channel& channel, const FrameHeader& frame);

} // namespace segue::update
