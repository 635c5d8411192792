// SPDX-License-Identifier: Apache-2.0
// passing.hpp - the inventory and the state over a channel of a PEER mode, in the direction of the
// session's side.
#pragma once

#include "core/plugin/adapters/keeper.hpp"
#include "core/update/session.hpp"

namespace segue::update {

// Descriptors in messages of at most 128, each acknowledged before the next. The incoming side
// checks every one against what was announced; items join its inventory, RAM blocks wait in
// session.block_fds.
Status pass_inventory(Session& session, Channel& channel);
// One frame. The incoming side has it whole in session.state_in afterwards, not yet believed.
Status pass_state(Session& session, Channel& channel);

// The descriptors alone, over the engine stream: to a holder, which finds the RAM by itself.
Status send_items(const Stream& stream, const inventory::Inventory& inventory, const Waiter& wait);
Status receive_items(const Stream& stream, inventory::Inventory& inventory, const Waiter& wait);

// The same inventory by a keeper, where no other process is there to take it.
Status hold_inventory(Session& session, plugin::Keeper& keeper);
Status take_inventory(Session& session, plugin::Keeper& keeper);

} // namespace segue::update
