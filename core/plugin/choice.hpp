// SPDX-License-Identifier: Apache-2.0
// choice.hpp - the plugins that one guest's configuration names, found and their options checked.
// No plugin is opened.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/config/guest_config.hpp"
#include "core/plugin/manifest.hpp"
#include "core/plugin/options.hpp"

namespace segue::plugin {

struct Choice {
    std::string
        use; // what it was chosen for: a mode's id, a channel, a RAM block; "" for the keeper
    std::unique_ptr<const Manifest> manifest; // the options refer to it
    PluginConfig options;

    bool is(std::string_view table_id) const { return manifest->kind->table_id == table_id; }
};

// Every allowed mode, every channel's transport, every block's back-end, the keeper, from the
// configuration's folders and the built-in one. The options join config.settings, so that the
// identity and the printout have them; aliases of modes become
// ids. NOT_FOUND and INVALID name the place in the file. [main]
Result<std::vector<Choice>> choose(config::GuestConfig& config);

} // namespace segue::plugin
