// SPDX-License-Identifier: Apache-2.0
// `segue check`: is a configuration right, and what does it come to.
#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"
#include "core/config/guest_config.hpp"
#include "core/plugin/choice.hpp"

namespace segue::cli {

ExitCode check(const CheckOptions& options) {
    auto guest = config::load_guest_config(options.config, options.set);
    if (!guest)
        return fail(guest.error());
    // The plugins' own keys, by their manifests.
    if (const auto plugins = plugin::choose(*guest); !plugins)
        return fail(plugins.error());
    out(options.effective ? config::effective(guest->settings)
                          : options.config + ": guest '" + guest->name + "' is configured well\n");
    return ExitCode::Ok;
}

} // namespace segue::cli
