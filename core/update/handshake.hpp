// SPDX-License-Identifier: Apache-2.0
// handshake.hpp - between two hosts no word is shared: the outgoing side gives the guest away once,
// and keeps it as it is until it has heard who runs it.
#pragma once

#include <functional>

#include <segue/cpp/result.hpp>

#include "core/update/doubt.hpp"
#include "core/update/stream.hpp"

namespace segue::update {

// What the outgoing side of a handshake does to the outside. [update]
struct Leaving {
    // Makes durable that the guest is given away, then lets go of what only one host may hold; an
    // error keeps the guest here.
    std::function<Status()> relinquish;
    // Takes hold of that again. An error: somebody else has it, so the guest cannot go on here.
    std::function<Status()> take_back;
    // RUN's body, made when it is sent.
    std::function<std::vector<std::byte>()> run;
    // Another engine stream, in place of one that is lost.
    std::function<Result<Stream>(const Waiter&)> again;
    // Tells the operator; and, once it was answered, writes the answer down.
    std::function<void(const Error& why)> in_doubt;
    std::function<void(Place place)> resolved;
    Doubt& doubt;
};

// LOADED, relinquished, RUN, RUNNING. OK: the guest is with the other host, or the operator says
// so. An error: it is ours; the other side has not run it and will not, or the operator says so.
// From `relinquish` on returns only when one of these is known: while the connection is lost the
// guest stands still here. RUN is sent only in answer to LOADED on the same stream, so none is
// left in a connection that nobody reads. [update]
Status switch_over(const Leaving& leaving, Stream stream, const Waiter& wait);

} // namespace segue::update
