// SPDX-License-Identifier: Apache-2.0
// team.hpp - one piece of work a data channel, all at once.
#pragma once

#include <functional>

#include <segue/cpp/host.hpp>

namespace segue::modes {

// The calling thread does the first piece, threads of the host do the others. [update]
class Team {
public:
    using Work = std::function<Status(unsigned channel)>;

    Team(const Host& host, unsigned channels)
        : host_(host)
        , channels_(channels) {}

    unsigned channels() const { return channels_; }
    // Returns once all have; or with the first error, or at the phase's deadline or a cancel, while
    // others may still be at it: what waits for the other side ends only when the host ends the
    // update, which waits for its threads.
    Status run(Work work) const;

private:
    struct Shared;

    Host host_;
    unsigned channels_;
};

} // namespace segue::modes
