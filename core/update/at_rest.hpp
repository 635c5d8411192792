// SPDX-License-Identifier: Apache-2.0
// at_rest.hpp - a state that nobody reads while it is written: sealed, read back and compared
// before the guest is offered, and used up by the one start that runs it.
#pragma once

#include "core/inventory/stamp.hpp"
#include "core/update/attempt.hpp"

namespace segue::update {

// Seals channel "main", opens it for reading as the incoming side will, and checks the manifest,
// every frame and the state against what was written. REFUSED where it cannot be read back, CORRUPT
// where something else stands there. [update]
Status read_back(Attempt& attempt);

// Every block that stays in place says whose it is. The guest stands still. [update]
Status stamp_blocks(Attempt& attempt);
// They are on their disk. [update]
Status sync_blocks(Attempt& attempt);

// Takes what was left behind away again. [update]
void discard(Attempt& attempt) noexcept;

// The incoming side. What was opened by its name may be anybody's: whether every block that stays
// in place is the stamped one. [main]
Status check_stamps(const Session& session, const inventory::Stamp& stamp);
// The guest runs: no second start finds anything, neither the state nor RAM that would fit it.
// [main]
void use_up(Session& session) noexcept;

} // namespace segue::update
