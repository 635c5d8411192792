// SPDX-License-Identifier: Apache-2.0
// team.hpp - one piece of work a data channel, all at once.
#pragma once

#include <functional>

#include <segue/abi/threads.h>
#include <segue/cpp/host.hpp>

namespace precopy {

// The calling thread does the first piece, threads of the host do the others. [update]
class Team {
public:
    using Work = std::function<segue::Status(unsigned channel)>;

    Team(const segue::Host& host, unsigned channels)
        : threads_(host.service<segue_host_threads>(SEGUE_THREADS_ID))
        , channels_(channels) {}

    unsigned channels() const { return channels_; }
    // Returns once all have; or with the first error, while others may still be at it: what waits
    // for the other side ends only when the host ends the update, which waits for its threads.
    segue::Status run(Work work) const;

private:
    struct Shared;
    struct Piece;
    static void enter(void* piece);

    const segue_host_threads* threads_;
    unsigned channels_;
};

} // namespace precopy
