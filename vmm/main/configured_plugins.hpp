// SPDX-License-Identifier: Apache-2.0
// configured_plugins.hpp - the plugins that a guest's configuration names, opened at start: a
// package upgrade under a running guest cannot put a new plugin into an old host.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/config/guest_config.hpp"
#include "core/control/service.hpp"
#include "core/plugin/choice.hpp"
#include "core/plugin/host.hpp"
#include "core/plugin/loader.hpp"
#include "core/update/context.hpp"

namespace segue::vmm {

// Opens every allowed mode, every channel's transport, every block's back-end. The checked options
// of the plugins join config.settings, so that identity and `segue check` see them.
class ConfiguredPlugins final : public update::PluginSet {
public:
    // `run_dir`: of this guest, for sockets without a path of their own.
    static Result<std::unique_ptr<ConfiguredPlugins>> open(config::GuestConfig& config,
                                                           const std::string& run_dir);

    // What is open, in the order in which it was opened.
    const std::vector<control::PluginInfo>& list() const { return list_; }
    // The id of the mode that is called so, by an alias for example; else as it was.
    std::string mode_called(const std::string& name) const;
    // The first of these modes that leaves a guest at rest; "": none.
    std::string first_that_rests(const std::vector<std::string>& ids) const;

    Result<plugin::Mode> mode(const std::string& id, update::Side side,
                              const plugin::ModeServices& services) override;
    Result<plugin::Transport> transport(const std::string& channel) override;
    Result<plugin::Transport> resting() override;
    // With the options of the first channel that has that transport, but for where it leads.
    Result<plugin::Transport> transport_at(const std::string& address) override;
    Result<plugin::Memory*> memory(const std::string& block) override;
    Result<plugin::Keeper> keeper(const segue_host_process* process) override;

private:
    // A choice whose plugin is open.
    struct Opened {
        const plugin::LoadedPlugin* plugin = nullptr;
        plugin::Choice choice;
    };
    explicit ConfiguredPlugins(const std::string& run_dir)
        : run_dir_(run_dir)
        , loader_(services_) {}
    Status take(plugin::Choice choice);
    void enlist(const plugin::Manifest& manifest, const std::string& use);

    std::string run_dir_;
    std::vector<control::PluginInfo> list_;
    plugin::Host services_;
    plugin::Loader loader_;
    std::map<std::string, Opened> modes_, channels_;
    std::map<std::string, plugin::Memory> memory_;
    std::optional<Opened> keeper_;
};

} // namespace segue::vmm
