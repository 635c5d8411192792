// SPDX-License-Identifier: Apache-2.0
// open_plugins.hpp - for tests: built plugins, found and opened as a VMM does it.
#pragma once

#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

#include "core/plugin/adapters/memory.hpp"
#include "core/plugin/adapters/transport.hpp"
#include "core/plugin/loader.hpp"
#include "core/plugin/registry.hpp"
#include "tests/support/temp_dir.hpp"

namespace segue::test {

class OpenPlugins {
public:
    using Options = std::map<std::string, std::string>;

    explicit OpenPlugins(std::vector<std::filesystem::path> dirs = {
                             plugin::builtin_dir().value()}) {
        auto found = plugin::Registry::search(dirs);
        if (found)
            registry_ = std::move(*found);
        else
            ADD_FAILURE() << found.error().what();
    }

    Result<const plugin::LoadedPlugin*> load(const std::string& name) {
        SEGUE_ASSIGN(const plugin::Manifest m, registry_.find(name));
        return loader_.load(m);
    }
    // Transport, Memory: an instance with these options.
    template <class Kind>
    Result<Kind> make(const std::string& name, const Options& options = {}) {
        SEGUE_ASSIGN(const plugin::LoadedPlugin* p, load(name));
        SEGUE_ASSIGN(plugin::PluginConfig config, plugin::PluginConfig::defaults(p->manifest()));
        for (const auto& [key, value] : options)
            SEGUE_TRY(config.set(key, value));
        return Kind::create(*p, config);
    }
    const plugin::Registry& registry() const { return registry_; }

private:
    plugin::Host services_;
    plugin::Loader loader_{services_};
    plugin::Registry registry_;
};

} // namespace segue::test
