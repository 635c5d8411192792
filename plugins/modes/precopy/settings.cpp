// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

namespace precopy {

using namespace segue;

Result<Settings> Settings::read(const Config& config) {
    SEGUE_ASSIGN(const std::uint64_t channels, config.number("channels"));
    SEGUE_ASSIGN(modes::Pacing pacing, modes::Pacing::read(config));
    SEGUE_ASSIGN(const std::string converge, config.text("converge"));
    if (converge != "cancel" && converge != "switch" && converge != "throttle")
        return Error(Code::Invalid, "converge = \"" + converge + "\" is not known")
            .way_out("set update.options.precopy.converge to cancel, switch or throttle");
    pacing.throttle = converge == "throttle";
    return Settings{static_cast<unsigned>(channels), pacing, converge == "switch"};
}

} // namespace precopy
