// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/choice.hpp"

#include "core/config/options.hpp"
#include "core/plugin/registry.hpp"

namespace segue::plugin {

namespace {

class Chooser {
public:
    Chooser(const Registry& registry, config::Settings& settings)
        : registry_(registry)
        , settings_(settings) {}

    // `options`: where the plugin's own table stands, "memory[0].options".
    Status add(std::string use, const char* kind, const std::string& id,
               const std::string& options) {
        SEGUE_ASSIGN(Manifest found, registry_.find(kind, id));
        auto manifest = std::make_unique<const Manifest>(std::move(found));
        SEGUE_ASSIGN(PluginConfig checked,
                     PluginConfig::from(*manifest, settings_.document(),
                                        config::given_options(settings_, options), options));
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
    std::vector<std::filesystem::path> dirs(config.plugin_dirs.begin(), config.plugin_dirs.end());
    SEGUE_ASSIGN(std::filesystem::path builtin, builtin_dir());
    dirs.push_back(std::move(builtin));
    SEGUE_ASSIGN(const Registry registry, Registry::search(dirs));
    Chooser all(registry, config.settings);
    const config::UpdateConfig& u = config.update;
    for (const std::string& id : u.allow)
        SEGUE_TRY(all.add(id, "mode", id, config::UpdateConfig::mode_options(id)));
    for (const config::ChannelConfig& ch : u.channels)
        SEGUE_TRY(all.add(ch.name, "transport", ch.transport, ch.options));
    for (const config::MemoryConfig& m : config.memory)
        SEGUE_TRY(all.add(m.id, "memory", m.backend, m.options));
    if (!u.keeper.empty())
        SEGUE_TRY(all.add("", "keeper", u.keeper, u.keeper_options));
    return all.take();
}

} // namespace segue::plugin
