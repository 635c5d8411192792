// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/configured_plugins.hpp"

#include <algorithm>

namespace segue::vmm {

Result<std::unique_ptr<ConfiguredPlugins>> ConfiguredPlugins::open(config::GuestConfig& config,
                                                                   const std::string& run_dir) {
    SEGUE_ASSIGN(std::vector<plugin::Choice> choices, plugin::choose(config));
    std::unique_ptr<ConfiguredPlugins> set(new ConfiguredPlugins(run_dir));
    set->services_.add(SEGUE_CONFIG_ID, plugin::config_service());
    for (plugin::Choice& choice : choices)
        SEGUE_TRY(set->take(std::move(choice)));
    return set;
}

Status ConfiguredPlugins::take(plugin::Choice choice) {
    SEGUE_ASSIGN(const plugin::LoadedPlugin* loaded, loader_.load(*choice.manifest));
    const std::string use = choice.use;
    enlist(loaded->manifest(), use);
    if (choice.is(SEGUE_MEMORY_ID)) {
        SEGUE_ASSIGN(plugin::Memory memory, plugin::Memory::create(*loaded, choice.options));
        memory_.emplace(use, std::move(memory));
    } else if (choice.is(SEGUE_TRANSPORT_ID)) {
        if (choice.options.knows("path") && !choice.options.has("path"))
            SEGUE_TRY(choice.options.set("path", run_dir_ + "/" + use + ".channel"));
        channels_.emplace(use, Opened{loaded, std::move(choice)});
    } else if (choice.is(SEGUE_MODE_ID)) {
        modes_.emplace(use, Opened{loaded, std::move(choice)});
    } else {
        keeper_.emplace(Opened{loaded, std::move(choice)});
    }
    return {};
}

void ConfiguredPlugins::enlist(const plugin::Manifest& m, const std::string& use) {
    const std::string file = m.library.string();
    auto at = std::find_if(list_.begin(), list_.end(),
                           [&](const control::PluginInfo& p) { return p.file == file; });
    if (at == list_.end())
        at = list_.insert(
            at, {m.kind->word, m.id, m.version, {}, m.kind->table_id, m.needs, m.caps, file});
    if (!use.empty() && use != m.id)
        at->uses.push_back(use);
}

std::string ConfiguredPlugins::mode_called(const std::string& name) const {
    for (const auto& [id, mode] : modes_)
        if (mode.plugin->manifest().is_called(name))
            return id;
    return name;
}

std::string ConfiguredPlugins::first_that_rests(const std::vector<std::string>& ids) const {
    for (const std::string& id : ids) {
        const auto at = modes_.find(id);
        if (at == modes_.end())
            continue;
        const auto& caps = at->second.plugin->manifest().caps;
        if (std::find(caps.begin(), caps.end(), "successor-later") != caps.end())
            return id;
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
        *at->second.plugin, at->second.choice.options,
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
    return plugin::Transport::create(*at->second.plugin, at->second.choice.options);
}

Result<plugin::Transport> ConfiguredPlugins::resting() {
    return transport(channels_.count("at-rest") != 0 ? "at-rest" : "main");
}

Result<plugin::Transport> ConfiguredPlugins::transport_at(const std::string& address) {
    const auto colon = address.find(':');
    const std::string id = address.substr(0, colon);
    const auto at = std::find_if(channels_.begin(), channels_.end(), [&](const auto& channel) {
        return channel.second.plugin->manifest().id == id;
    });
    if (colon == std::string::npos || at == channels_.end())
        return Error(Code::Refused, "'" + address + "' names no transport of this guest's channels")
            .way_out("write TRANSPORT:ADDRESS, and have a channel with it in the guest's file: "
                     "update.channels.hosts = { transport = \"tcp\", options = { address = "
                     "\"192.0.2.2:4444\" } }")
            .with("channel", address);
    plugin::PluginConfig options = at->second.choice.options;
    const char* key = options.knows("address") ? "address" : "path";
    if (!options.knows(key))
        return Error(Code::Refused, "transport/" + id + " leads nowhere that could be named")
            .way_out("use one with an address: tcp")
            .with("plugin", "transport/" + id);
    SEGUE_TRY(options.set(key, address.substr(colon + 1)));
    return plugin::Transport::create(*at->second.plugin, options);
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
    return plugin::Keeper::create(*keeper_->plugin, keeper_->choice.options, process);
}

} // namespace segue::vmm
