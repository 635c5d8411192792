// SPDX-License-Identifier: Apache-2.0
// arbiter.hpp - who says which side owns the guest: the shared word on one host, a handshake
// between two.
#pragma once

#include <functional>
#include <memory>

#include <segue/cpp/result.hpp>

#include "core/update/ownership.hpp"
#include "core/update/stream.hpp"

namespace segue::update {

// The outgoing side of a switch-over with a live peer. [update]
class Arbiter {
public:
    virtual ~Arbiter() = default;
    Arbiter(const Arbiter&) = delete;
    Arbiter& operator=(const Arbiter&) = delete;

    // Gives the guest up and waits for the peer. OK: the peer owns it. An error: it is ours.
    // PAUSED: nobody can know; the guest stays stopped here until an operator says.
    virtual Status switch_over(const Stream& stream, const Waiter& wait) = 0;

protected:
    Arbiter() = default;
};

std::unique_ptr<Arbiter> make_word_arbiter(Ownership& ownership, std::uint32_t generation,
                                           std::uint32_t attempt);
// `relinquish` makes durable that the guest is given away, before the other side is told to run it;
// its error keeps the guest here.
std::unique_ptr<Arbiter> make_handshake_arbiter(Ownership& ownership, std::uint32_t generation,
                                                std::function<Status()> relinquish);

// The incoming side: state loaded, everything claimed. OK: this side owns the guest from now on.
Status await_word(Ownership& ownership, std::uint32_t generation, std::uint32_t attempt,
                  const Stream& stream, const Waiter& wait);
Status await_run(const Stream& stream, const Waiter& wait);

} // namespace segue::update
