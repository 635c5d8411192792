// SPDX-License-Identifier: Apache-2.0
// preflight.hpp - what can be known before anything is started.
#pragma once

#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/ports/userfault.hpp"
#include "core/update/context.hpp"
#include "core/update/hello.hpp"

namespace segue::update {

// Whether the transport of one channel can do what the mode needs of it, and whether a state
// without a peer stays there; REFUSED names channel, transport and what it lacks. `address`: as
// Request::address.
Status check_channel(PluginSet& plugins, const std::string& mode, const plugin::Plan& plan,
                     const plugin::ChannelNeed& need, const std::string& address = {});
// Whether a mode with that plan reaches a peer on this host, or at that address of another.
Status check_arbiter(const plugin::Plan& plan, const std::string& mode, const std::string& address);
// The same of all of them, on the side that has heard `hello`; and a state that rests is looked for
// in one place by both.
Status check_channels(PluginSet& plugins, const Hello& hello, const plugin::Plan& plan,
                      const config::Identity& resting_place);
// One for each block that does not outlive what the mode does to it.
std::vector<Error> check_blocks(const inventory::Inventory& inventory, const plugin::Plan& plan,
                                const std::string& mode);
// All that stands in the way of a mode as far as it shows without a running guest. `inventory`: its
// blocks as they would be. [any, one at a time]
std::vector<Error> blockers_without_guest(PluginSet& plugins, inventory::Inventory& inventory,
                                          ports::Userfault& userfault, const std::string& mode);
// Whether the new binary is a file that may be executed.
Status check_binary(const std::string& path);

} // namespace segue::update
