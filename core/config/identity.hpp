// SPDX-License-Identifier: Apache-2.0
// identity.hpp - the keys that an update may not change: [guest], [[memory]], [[device]].
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/config/settings.hpp"

namespace segue::config {

// Key and value as TOML, after defaults. Take it once apply_options() has been called for every
// memory block, so that the plugins' defaults are among them. It travels with the guest's state:
// the file may have changed since the guest booted.
using Identity = std::vector<std::pair<std::string, std::string>>;

Identity identity_of(const Settings& settings);

// The same for where a guest lies while no VMM has it: channel "main" and the keeper.
Identity resting_place_of(const Settings& settings);

// REFUSED naming the first key that differs, and both values. `free`: keys that begin so may.
Status same_identity(const Identity& running, const Identity& fresh,
                     const std::vector<std::string>& free = {});

} // namespace segue::config
