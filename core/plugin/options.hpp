// SPDX-License-Identifier: Apache-2.0
// options.hpp - one plugin's own keys, checked by the schema in its manifest, and the service
// "segue.config/1" that it reads them through.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <segue/abi/config.h>
#include <segue/cpp/result.hpp>

#include "core/config/options.hpp"
#include "core/config/rule.hpp"
#include "core/plugin/manifest.hpp"

namespace segue::plugin {

// Needed only for as long as the create() that it is given to. Value type.
class PluginConfig {
public:
    // The defaults alone.
    static Result<PluginConfig> defaults(const Manifest& manifest);
    // The keys of `table`, which stands in `document` as `path` ("memory[0].options"), over the
    // defaults. Errors are those of the configuration's own keys; what is missing is missing at
    // `place`.
    static Result<PluginConfig> from(const Manifest& manifest, const config::Document& document,
                                     const config::Table& table, std::string_view path,
                                     config::Place place);

    // Sets one key of the schema from its textual form, as it stands in TOML, unquoted.
    Status set(std::string_view key, std::string_view text);
    bool has(std::string_view key) const { return find(key) != nullptr; }
    // Whether the schema has such a key at all.
    bool knows(std::string_view key) const { return manifest_->option(key) != nullptr; }
    // Nothing where the key has no value.
    const config::Datum* find(std::string_view key) const;
    // All that have a value, for the configuration's printout and identity.
    std::vector<config::CheckedOption> checked() const;
    // Invalid, naming the key, where a required one is missing.
    Status complete() const;

    const segue_config* abi() const { return reinterpret_cast<const segue_config*>(this); }

private:
    explicit PluginConfig(const Manifest& manifest)
        : manifest_(&manifest) {}

    const Manifest* manifest_; // outlives this
    std::map<std::string, config::Datum, std::less<>> values_;
};

// The table of "segue.config/1".
const segue_host_config* config_service();

} // namespace segue::plugin
