// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

namespace postcopy {

using namespace segue;

Result<Settings> Settings::read(const Config& config) {
    SEGUE_ASSIGN(const std::uint64_t channels, config.number("channels"));
    SEGUE_ASSIGN(const std::uint64_t after, config.number("bandwidth_after"));
    SEGUE_ASSIGN(const std::uint64_t time, config.number("switch_after"));
    SEGUE_ASSIGN(modes::Pacing pacing, modes::Pacing::read(config));
    pacing.max_time = std::chrono::microseconds(time);
    return Settings{static_cast<unsigned>(channels), pacing, after};
}

} // namespace postcopy
