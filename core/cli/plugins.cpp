// SPDX-License-Identifier: Apache-2.0
// `segue plugins`: from their manifests; nothing is opened.
#include <cstdio>

#include "core/base/list.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/output.hpp"
#include "core/config/guest_config.hpp"
#include "core/plugin/registry.hpp"

namespace segue::cli {
namespace {

Result<plugin::Registry> search(const PluginsOptions& options) {
    std::vector<std::filesystem::path> all(options.dirs.begin(), options.dirs.end());
    if (!options.config.empty()) {
        SEGUE_ASSIGN(const auto guest, config::load_guest_config(options.config, {}));
        all.insert(all.end(), guest.plugin_dirs.begin(), guest.plugin_dirs.end());
    }
    SEGUE_ASSIGN(auto builtin, plugin::builtin_dir());
    all.push_back(std::move(builtin));
    return plugin::Registry::search(all);
}

std::string joined(const std::vector<std::string>& words) {
    return words.empty() ? "none" : list_of(words);
}

std::string line(const std::string& key, const std::string& value) {
    char text[32];
    std::snprintf(text, sizeof text, "%-10s ", key.c_str());
    return text + value + "\n";
}

std::string describe(const plugin::Option& option) {
    std::string text = "  " + option.key + " (" + option.type_name();
    if (option.required)
        text += ", required";
    if (option.preset)
        text += ", default " + *option.preset;
    if (option.max != 0)
        text += ", " + std::to_string(option.min) + " to " + std::to_string(option.max);
    return text + "): " + option.doc + "\n";
}

} // namespace

ExitCode plugins(const PluginsOptions& options) {
    const auto registry = search(options);
    if (!registry)
        return fail(registry.error());
    for (const auto& manifest : registry->manifests()) {
        char row[256];
        std::snprintf(row, sizeof row, "%-24s %-10s %s\n", manifest.name().c_str(),
                      manifest.version.c_str(), manifest.summary.c_str());
        out(row);
    }
    return ExitCode::Ok;
}

ExitCode describe_plugin(const PluginsOptions& options, const std::string& name) {
    const auto registry = search(options);
    if (!registry)
        return fail(registry.error());
    const auto manifest = registry->find(name);
    if (!manifest)
        return fail(manifest.error());
    out(line("plugin", manifest->name()) + line("version", manifest->version) +
        line("summary", manifest->summary) + line("licence", manifest->licence) +
        line("can", joined(manifest->caps)) + line("needs", joined(manifest->needs)) +
        line("file", manifest->library.string()));
    out(manifest->options.empty() ? "options    none\n" : "options\n");
    for (const auto& option : manifest->options)
        out(describe(option));
    return ExitCode::Ok;
}

} // namespace segue::cli
