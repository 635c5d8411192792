// SPDX-License-Identifier: Apache-2.0
// pages.hpp - runs of guest pages over a channel.
#pragma once

#include <segue/abi/memory.h>
#include <segue/abi/update.h>

#include "core/update/session.hpp"

namespace segue::update {

// A block as the ABI shows it; the fd stays the inventory's.
segue_block as_abi(const inventory::RamBlock& block);

// Sends a run, in pieces of at most 4 MiB; n == 0 says that there are no more.
Status put_pages(Session& session, Channel& channel, const segue_pages& pages);
// Places the next piece in its block and marks it received. A block that stays in place, or a run
// beyond its end, is CORRUPT.
Status get_pages(Session& session, Channel& channel, segue_pages& pages);
// REFUSED where a page of a block that moves before the commit has not come.
Status all_received(const Session& session);

} // namespace segue::update
