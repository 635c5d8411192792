// SPDX-License-Identifier: Apache-2.0
// settings.hpp - what an operator may ask of mode "precopy".
#pragma once

#include <array>
#include <chrono>

#include <segue/cpp/plugin.hpp>

#include "plugins/modes/common/sender.hpp"

namespace precopy {

struct Settings {
    unsigned channels = 1;
    segue::modes::Pacing pacing;
    bool switch_anyway = false; // after its rounds

    static segue::Result<Settings> read(const segue::Config& config);
};

inline constexpr std::array<segue_option, 5> kOptions = {
    segue::number_option(SEGUE_OPTION_UINT, "channels", "connections of channel \"data\"", "1", 1,
                         8),
    segue::number_option(SEGUE_OPTION_SIZE, "bandwidth",
                         "bytes a second while the guest runs, of all of them; 0: no limit", "0"),
    segue::number_option(SEGUE_OPTION_DURATION, "downtime_limit",
                         "the pause to aim at where update.blackout_budget sets none", "300ms"),
    segue::number_option(SEGUE_OPTION_UINT, "max_rounds",
                         "how often what was written meanwhile is sent again", "30", 1, 1000),
    segue::string_option("converge",
                         "if the guest writes too fast for that: cancel, switch with a longer "
                         "pause, or throttle its vCPUs, then cancel",
                         "cancel"),
};

} // namespace precopy
