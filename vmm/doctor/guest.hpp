// SPDX-License-Identifier: Apache-2.0
// guest.hpp - whether this host could run a configured guest, and move it by each of its modes.
#pragma once

#include "core/config/guest_config.hpp"
#include "core/update/context.hpp"
#include "vmm/doctor/finding.hpp"

namespace segue::vmm {

// One a RAM block, one a mode that the configuration allows. Opens plugins and creates nothing.
// [main]
Findings look_at_guest(const config::GuestConfig& config, update::PluginSet& plugins);

} // namespace segue::vmm
