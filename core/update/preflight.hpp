// SPDX-License-Identifier: Apache-2.0
// preflight.hpp - what can be known before anything is started.
#pragma once

#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/update/context.hpp"

namespace segue::update {

// Whether the transport of one channel can do what the mode needs of it, and whether a state
// without a peer stays there; REFUSED names channel, transport and what it lacks.
Status check_channel(PluginSet& plugins, const std::string& mode, const plugin::Plan& plan,
                     const plugin::ChannelNeed& need);
// Whether every block outlives what the mode does to it.
Status check_blocks(const inventory::Inventory& inventory, const plugin::Plan& plan,
                    const std::string& mode);
// Whether the new binary is a file that may be executed.
Status check_binary(const std::string& path);

} // namespace segue::update
