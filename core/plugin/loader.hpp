// SPDX-License-Identifier: Apache-2.0
// loader.hpp - plugins that are open: checked against their manifests and against this host.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <segue/abi/entry.h>
#include <segue/cpp/result.hpp>

#include "core/plugin/host.hpp"
#include "core/plugin/manifest.hpp"
#include "core/plugin/services.hpp"

namespace segue::plugin {

// One open plugin. Lives as long as its Loader; instances of the adapters point to it.
class LoadedPlugin {
public:
    LoadedPlugin(Manifest manifest, const Host& services);
    LoadedPlugin(const LoadedPlugin&) = delete;
    LoadedPlugin& operator=(const LoadedPlugin&) = delete;

    const Manifest& manifest() const { return manifest_; }
    const std::string& name() const { return name_; } // "transport/unix"
    // The host's services, its own log among them.
    const Host& host() const { return host_; }
    // Of the manifest's kind: an adapter asks for its own kind's.
    const void* table() const { return table_; }

private:
    friend class Loader;
    Status open();

    Manifest manifest_;
    std::string name_;
    LogService log_;
    Host host_;
    const segue_plugin* entry_ = nullptr; // set once it is open
    const void* table_ = nullptr;
};

// Opens plugins; closes them at its end, after the last instance is gone. Their code stays mapped.
// [main]
class Loader {
public:
    // `services` outlives this.
    explicit Loader(const Host& services)
        : services_(services) {}
    Loader(const Loader&) = delete;
    Loader& operator=(const Loader&) = delete;
    ~Loader();

    // The same plugin again where its file is open already. Refused where binary and manifest, or
    // binary and host, do not fit: the error names the plugin and what does not.
    Result<const LoadedPlugin*> load(const Manifest& manifest);

private:
    const Host& services_;
    std::vector<std::unique_ptr<LoadedPlugin>> open_;
};

} // namespace segue::plugin
