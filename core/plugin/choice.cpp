// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/choice.hpp"

#include <algorithm>

#include "core/base/list.hpp"
#include "core/base/nearest.hpp"
#include "core/config/options.hpp"
#include "core/config/print.hpp"
#include "core/plugin/registry.hpp"

namespace segue::plugin {

namespace {

std::vector<std::string_view> ids_of(const Registry& registry, std::string_view kind) {
    std::vector<std::string_view> ids;
    for (const Manifest& m : registry.manifests())
        if (kind == m.kind->word)
            ids.push_back(m.id);
    return ids;
}

std::string did_you_mean(std::string_view id, const std::vector<std::string_view>& known) {
    const std::string_view near = nearest(id, known);
    return near.empty() ? "" : "; did you mean '" + std::string(near) + "'?";
}

std::string known_here(const std::vector<std::string_view>& known) {
    const std::string list = list_of(known);
    return "known here: " + (list.empty() ? "none" : list) +
           "; folders with more go into plugins.dirs";
}

// `names`: the setting that asks for plugin `id`, alone or among others.
Error unknown(const Registry& registry, const config::Settings& settings, const std::string& kind,
              const std::string& id, const config::Setting& names) {
    const auto known = ids_of(registry, kind);
    const bool among = names.rule.type == config::Type::Names;
    return Error(Code::NotFound,
                 settings.origin(names) + ": " + names.path + " is " +
                     config::print(names.value, names.rule.type) + ", but " +
                     (among ? "each " : "") + "must be a " + kind + " plugin that there is" +
                     (among ? ": '" + id + "' is none" : "") + did_you_mean(id, known))
        .way_out(known_here(known))
        .with("key", names.path)
        .with("plugin", kind + "/" + id);
}

// Options of a mode that is not allowed are kept for the day that it is; those of none are a
// mistake.
Status check_mode_options(const Registry& registry, const config::Settings& settings) {
    constexpr std::string_view prefix = "update.options.";
    const auto known = ids_of(registry, "mode");
    for (const config::Setting& s : settings.all()) {
        if (s.rule.type != config::Type::Table || s.path.compare(0, prefix.size(), prefix) != 0)
            continue;
        const std::string_view id = std::string_view(s.path).substr(prefix.size());
        if (std::find(known.begin(), known.end(), id) == known.end())
            return Error(Code::Invalid, settings.origin(s) + ": " + s.path +
                                            " is of a mode that there is not" +
                                            did_you_mean(id, known))
                .way_out(known_here(known))
                .with("key", s.path);
    }
    return {};
}

// From here on a mode has the one name that the two sides agree on.
void resolve_aliases(const Registry& registry, config::UpdateConfig& update) {
    const auto resolve = [&registry](std::string& name) {
        if (const auto found = registry.find("mode", name); found && found->is_called(name))
            name = found->id;
    };
    resolve(update.mode);
    std::vector<std::string> ids;
    for (std::string& name : update.allow) {
        resolve(name);
        if (std::find(ids.begin(), ids.end(), name) == ids.end())
            ids.push_back(name);
    }
    update.allow = ids;
}

Result<Registry> search(const config::GuestConfig& config) {
    std::vector<std::filesystem::path> dirs(config.plugin_dirs.begin(), config.plugin_dirs.end());
    SEGUE_ASSIGN(std::filesystem::path builtin, builtin_dir());
    dirs.push_back(std::move(builtin));
    auto registry = Registry::search(dirs);
    if (registry || config.plugin_dirs.empty())
        return registry;
    const config::Setting& setting = *config.settings.find("plugins.dirs");
    return std::move(registry).error().while_doing(config.settings.origin(setting) +
                                                   ": plugins.dirs");
}

class Chooser {
public:
    Chooser(const Registry& registry, config::Settings& settings)
        : registry_(registry)
        , settings_(settings) {}

    // `named`: the key that names the plugin, "memory[0].backend"; `options`: where the plugin's
    // own table stands, "memory[0].options".
    Status add(std::string use, const char* kind, const std::string& id, const std::string& named,
               const std::string& options) {
        const config::Setting& names = *settings_.find(named);
        auto found = registry_.find(kind, id);
        if (found.code() == Code::NotFound)
            return unknown(registry_, settings_, kind, id, names);
        if (!found)
            return std::move(found).error().while_doing(settings_.origin(names) + ": " + named);
        auto manifest = std::make_unique<const Manifest>(std::move(*found));
        const config::Setting* table = settings_.find(options);
        const bool written = table != nullptr && table->place.column != 0;
        SEGUE_ASSIGN(PluginConfig checked,
                     PluginConfig::from(*manifest, settings_.document(),
                                        config::given_options(settings_, options), options,
                                        written ? table->place : names.place));
        config::put_options(settings_, options, checked.checked());
        made_.push_back({std::move(use), std::move(manifest), std::move(checked)});
        return {};
    }
    std::vector<Choice> take() { return std::move(made_); }

private:
    const Registry& registry_;
    config::Settings& settings_;
    std::vector<Choice> made_;
};

} // namespace

Result<std::vector<Choice>> choose(config::GuestConfig& config) {
    SEGUE_ASSIGN(const Registry registry, search(config));
    SEGUE_TRY(check_mode_options(registry, config.settings));
    resolve_aliases(registry, config.update);
    Chooser all(registry, config.settings);
    const config::UpdateConfig& u = config.update;
    const char* modes =
        config.settings.find("update.allow") != nullptr ? "update.allow" : "update.mode";
    for (const std::string& id : u.allow)
        SEGUE_TRY(all.add(id, "mode", id, modes, config::UpdateConfig::mode_options(id)));
    for (const config::ChannelConfig& ch : u.channels)
        SEGUE_TRY(all.add(ch.name, "transport", ch.transport,
                          "update.channels." + ch.name + ".transport", ch.options));
    for (std::size_t i = 0; i < config.memory.size(); ++i) {
        const config::MemoryConfig& m = config.memory[i];
        SEGUE_TRY(all.add(m.id, "memory", m.backend, "memory[" + std::to_string(i) + "].backend",
                          m.options));
    }
    if (!u.keeper.empty())
        SEGUE_TRY(all.add("", "keeper", u.keeper, "update.keeper", u.keeper_options));
    return all.take();
}

} // namespace segue::plugin
