// SPDX-License-Identifier: Apache-2.0
// successor_kinds.hpp - the implementations of Successor, for successor.cpp alone.
#pragma once

#include "core/update/successor.hpp"

namespace segue::update {

std::unique_ptr<Successor> make_peer(Attempt& attempt);      // SEGUE_SUCCESSOR_PEER
std::unique_ptr<Successor> make_elsewhere(Attempt& attempt); // the same, on another host
std::unique_ptr<Successor> make_self(Attempt& attempt);      // SEGUE_SUCCESSOR_SELF
std::unique_ptr<Successor> make_later(Attempt& attempt);     // SEGUE_SUCCESSOR_LATER

} // namespace segue::update
