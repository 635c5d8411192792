// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/configured_plugins.hpp"

#include "core/config/options.hpp"

namespace segue::vmm {

Result<std::unique_ptr<ConfiguredPlugins>> ConfiguredPlugins::open(config::GuestConfig& config,
                                                                   const std::string& run_dir) {
    std::vector<std::filesystem::path> dirs(config.plugin_dirs.begin(), config.plugin_dirs.end());
    SEGUE_ASSIGN(std::filesystem::path builtin, plugin::builtin_dir());
    dirs.push_back(std::move(builtin));
    SEGUE_ASSIGN(const plugin::Registry registry, plugin::Registry::search(dirs));
    std::unique_ptr<ConfiguredPlugins> set(new ConfiguredPlugins(config));
    set->services_.add(SEGUE_CONFIG_ID, plugin::config_service());
    SEGUE_TRY(set->choose(registry, run_dir));
    return set;
}

Result<ConfiguredPlugins::Chosen> ConfiguredPlugins::chosen(const plugin::Registry& registry,
                                                            const char* kind, const std::string& id,
                                                            const std::string& options_path) {
    SEGUE_ASSIGN(const plugin::Manifest manifest, registry.find(kind, id));
    SEGUE_ASSIGN(const plugin::LoadedPlugin* loaded, loader_.load(manifest));
    SEGUE_ASSIGN(plugin::PluginConfig options,
                 plugin::PluginConfig::from(loaded->manifest(), config_.settings.document(),
                                            config::given_options(config_.settings, options_path),
                                            options_path));
    config::put_options(config_.settings, options_path, options.checked());
    return Chosen{loaded, std::move(options)};
}

Status ConfiguredPlugins::choose(const plugin::Registry& registry, const std::string& run_dir) {
    for (const std::string& id : config_.update.allow) {
        SEGUE_ASSIGN(Chosen c,
                     chosen(registry, "mode", id, config::UpdateConfig::mode_options(id)));
        modes_.emplace(id, std::move(c));
    }
    for (const config::ChannelConfig& ch : config_.update.channels) {
        SEGUE_ASSIGN(Chosen c, chosen(registry, "transport", ch.transport, ch.options));
        if (c.options.knows("path") && !c.options.has("path"))
            SEGUE_TRY(c.options.set("path", run_dir + "/" + ch.name + ".channel"));
        channels_.emplace(ch.name, std::move(c));
    }
    for (const config::MemoryConfig& m : config_.memory) {
        SEGUE_ASSIGN(const Chosen c, chosen(registry, "memory", m.backend, m.options));
        SEGUE_ASSIGN(plugin::Memory memory, plugin::Memory::create(*c.plugin, c.options));
        memory_.emplace(m.id, std::move(memory));
    }
    if (!config_.update.keeper.empty()) {
        SEGUE_ASSIGN(keeper_, chosen(registry, "keeper", config_.update.keeper,
                                     config_.update.keeper_options));
    }
    return {};
}

Result<plugin::Mode> ConfiguredPlugins::mode(const std::string& id, update::Side side,
                                             const plugin::ModeServices& services) {
    const auto at = modes_.find(id);
    if (at == modes_.end())
        return Error(Code::Refused, "mode '" + id +
                                        "' is not among those that this guest's "
                                        "configuration allows")
            .way_out("add it to update.allow and restart the guest, or choose another with --mode")
            .with("plugin", "mode/" + id);
    return plugin::Mode::create(
        *at->second.plugin, at->second.options,
        side == update::Side::Outgoing ? SEGUE_SIDE_OUTGOING : SEGUE_SIDE_INCOMING, services);
}

Result<plugin::Transport> ConfiguredPlugins::transport(const std::string& channel) {
    const auto at = channels_.find(channel);
    if (at == channels_.end())
        return Error(Code::Refused, "the mode needs a channel '" + channel +
                                        "', and the configuration has none of that name")
            .way_out("add to the guest's file: update.channels." + channel +
                     " = { transport = \"...\" }")
            .with("channel", channel);
    return plugin::Transport::create(*at->second.plugin, at->second.options);
}

Result<plugin::Memory*> ConfiguredPlugins::memory(const std::string& block) {
    const auto at = memory_.find(block);
    if (at == memory_.end())
        return Error(Code::NotFound, "the configuration has no RAM block '" + block + "'")
            .with("block", block);
    return &at->second;
}

Result<plugin::Keeper> ConfiguredPlugins::keeper(const segue_host_process* process) {
    if (!keeper_)
        return Error(Code::NotFound, "the mode needs a keeper, and the configuration names none")
            .way_out("set update.keeper in the guest's file: segue plugins lists them");
    return plugin::Keeper::create(*keeper_->plugin, keeper_->options, process);
}

} // namespace segue::vmm
