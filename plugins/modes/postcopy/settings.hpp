// SPDX-License-Identifier: Apache-2.0
// settings.hpp - what an operator may ask of mode "postcopy".
#pragma once

#include <array>

#include <segue/cpp/plugin.hpp>

#include "plugins/modes/common/sender.hpp"

namespace postcopy {

struct Settings {
    unsigned channels = 1;
    segue::modes::Pacing pacing;   // of the rounds before
    std::uint64_t bandwidth_after; // bytes a second; 0: no limit

    static segue::Result<Settings> read(const segue::Config& config);
};

inline constexpr std::array<segue_option, 6> kOptions = {
    segue::number_option(SEGUE_OPTION_UINT, "channels", "connections of channel \"data\"", "1", 1,
                         8),
    segue::number_option(SEGUE_OPTION_SIZE, "bandwidth",
                         "bytes a second while the guest runs here, of all of them; 0: no limit",
                         "0"),
    segue::number_option(SEGUE_OPTION_SIZE, "bandwidth_after",
                         "the same once it runs on the new side, but for pages that it waits for",
                         "0"),
    segue::number_option(SEGUE_OPTION_DURATION, "downtime_limit",
                         "the pause in which all that is left is sent, where it fits; where "
                         "update.blackout_budget sets none",
                         "300ms"),
    segue::number_option(SEGUE_OPTION_UINT, "max_rounds",
                         "how often what was written meanwhile is sent again before the guest "
                         "goes; 0: it goes first of all",
                         "30", 0, 1000),
    segue::number_option(SEGUE_OPTION_DURATION, "switch_after",
                         "the guest goes after that time, if not before; 0s: not by time", "0s"),
};

} // namespace postcopy
