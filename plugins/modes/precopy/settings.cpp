// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

namespace precopy {

using namespace segue;

Result<Settings> Settings::read(const Config& config) {
    SEGUE_ASSIGN(const std::uint64_t channels, config.number("channels"));
    SEGUE_ASSIGN(const std::uint64_t bandwidth, config.number("bandwidth"));
    SEGUE_ASSIGN(const std::uint64_t limit, config.number("downtime_limit"));
    SEGUE_ASSIGN(const std::uint64_t rounds, config.number("max_rounds"));
    SEGUE_ASSIGN(const std::string converge, config.text("converge"));
    if (converge != "cancel" && converge != "switch")
        return Error(Code::Invalid, "converge = \"" + converge + "\" is not known")
            .way_out("set update.options.precopy.converge to cancel or switch");
    return Settings{static_cast<unsigned>(channels), bandwidth, std::chrono::microseconds(limit),
                    static_cast<unsigned>(rounds), converge == "switch"};
}

} // namespace precopy
