// SPDX-License-Identifier: Apache-2.0
// `segue check`: is a configuration right, and what does it come to.
#include "core/cli/check.hpp"

#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"
#include "core/plugin/choice.hpp"
#include "core/plugin/fit.hpp"
#include "vmm/devices/models.hpp"

namespace segue::cli {

Result<config::GuestConfig> checked_config(const std::filesystem::path& file,
                                           const std::vector<std::string>& overrides) {
    SEGUE_ASSIGN(config::GuestConfig guest, config::load_guest_config(file, overrides));
    SEGUE_TRY(config::check_devices(guest, vmm::device_models()));
    SEGUE_ASSIGN(const std::vector<plugin::Choice> plugins, plugin::choose(guest));
    SEGUE_TRY(plugin::modes_fit_channels(guest, plugins));
    return guest;
}

ExitCode check(const CheckOptions& options) {
    const auto guest = checked_config(options.config, options.set);
    if (!guest)
        return fail(guest.error());
    out(options.effective ? config::effective(guest->settings)
                          : options.config + ": guest '" + guest->name + "' is configured well\n");
    return ExitCode::Ok;
}

} // namespace segue::cli
