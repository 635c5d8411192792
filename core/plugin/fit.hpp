// SPDX-License-Identifier: Apache-2.0
// fit.hpp - do the chosen plugins go together, as far as their manifests tell? Whether an update
// can be made, the modes themselves say: segue doctor.
#pragma once

#include <vector>

#include <segue/cpp/result.hpp>

#include "core/config/guest_config.hpp"
#include "core/plugin/choice.hpp"

namespace segue::plugin {

// Each allowed mode has a channel for the state, and that one's transport reaches the mode's
// successor. INVALID, with the place of what contradicts. [main]
Status modes_fit_channels(const config::GuestConfig& config, const std::vector<Choice>& choices);

} // namespace segue::plugin
