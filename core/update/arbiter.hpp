// SPDX-License-Identifier: Apache-2.0
// arbiter.hpp - on one host the shared word says which side owns the guest; both sides of its
// switch-over. Between two hosts: handshake.hpp and arrival.hpp.
#pragma once

#include <segue/cpp/result.hpp>

#include "core/update/ownership.hpp"
#include "core/update/stream.hpp"

namespace segue::update {

// The outgoing side: offers the guest and waits for the peer. OK: the peer owns it. An error: it is
// ours. [update]
Status offer_word(Ownership& ownership, std::uint32_t generation, std::uint32_t attempt,
                  const Stream& stream, const Waiter& wait);
// The incoming side: state loaded, everything claimed. OK: this side owns the guest from now on.
Status await_word(Ownership& ownership, std::uint32_t generation, std::uint32_t attempt,
                  const Stream& stream, const Waiter& wait);

} // namespace segue::update
