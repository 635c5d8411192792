// SPDX-License-Identifier: Apache-2.0
// configured_plugins.hpp - the plugins that a guest's configuration names, opened at start: a
// package upgrade under a running guest cannot put a new plugin into an old host.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/config/guest_config.hpp"
#include "core/plugin/host.hpp"
#include "core/plugin/loader.hpp"
#include "core/plugin/options.hpp"
#include "core/plugin/registry.hpp"
#include "core/update/context.hpp"

namespace segue::vmm {

// Opens every allowed mode, every channel's transport, every block's back-end. The checked options
// of the plugins join config.settings, so that identity and `segue check` see them.
class ConfiguredPlugins final : public update::PluginSet {
public:
    // `run_dir`: of this guest, for sockets without a path of their own. `config` outlives this.
    static Result<std::unique_ptr<ConfiguredPlugins>> open(config::GuestConfig& config,
                                                           const std::string& run_dir);

    Result<plugin::Mode> mode(const std::string& id, update::Side side,
                              const plugin::ModeServices& services) override;
    Result<plugin::Transport> transport(const std::string& channel) override;
    Result<plugin::Memory*> memory(const std::string& block) override;
    Result<plugin::Keeper> keeper(const segue_host_process* process) override;

private:
    struct Chosen {
        const plugin::LoadedPlugin* plugin;
        plugin::PluginConfig options;
    };
    explicit ConfiguredPlugins(config::GuestConfig& config)
        : config_(config)
        , loader_(services_) {}
    Status choose(const plugin::Registry& registry, const std::string& run_dir);
    Result<Chosen> chosen(const plugin::Registry& registry, const char* kind, const std::string& id,
                          const std::string& options_path);

    config::GuestConfig& config_;
    plugin::Host services_;
    plugin::Loader loader_;
    std::map<std::string, Chosen> modes_, channels_;
    std::map<std::string, plugin::Memory> memory_;
    std::optional<Chosen> keeper_;
};

} // namespace segue::vmm
