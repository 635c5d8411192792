// SPDX-License-Identifier: Apache-2.0
// options.hpp - one plugin's own keys, checked by the schema in its manifest, and the service
// "segue.config/1" that it reads them through.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include <segue/abi/config.h>
#include <segue/cpp/result.hpp>

#include "core/config/document.hpp"
#include "core/plugin/manifest.hpp"

namespace segue::plugin {

// STRING and PATH; UINT, SIZE in bytes, DURATION in microseconds; BOOL.
using OptionValue = std::variant<std::string, std::uint64_t, bool>;

// Needed only for as long as the create() that it is given to. Value type.
class PluginConfig {
public:
    // The defaults alone.
    static Result<PluginConfig> defaults(const Manifest& manifest);
    // The keys of `table`, which stands in `doc`, over the defaults. Errors say file:line:column,
    // the key, what was found, what is expected, and the nearest key.
    static Result<PluginConfig> from(const Manifest& manifest, const config::Document& doc,
                                     const config::Table& table);

    // Sets one key of the schema from its textual form, as it stands in TOML, unquoted.
    Status set(std::string_view key, std::string_view text);
    bool has(std::string_view key) const { return values_.count(std::string(key)) != 0; }
    // Whether the schema has such a key at all.
    bool knows(std::string_view key) const { return manifest_->option(key) != nullptr; }
    const std::map<std::string, OptionValue>& values() const { return values_; }
    // Invalid, naming the key, where a required one is missing.
    Status complete() const;

    const segue_config* abi() const { return reinterpret_cast<const segue_config*>(this); }

private:
    explicit PluginConfig(const Manifest& manifest)
        : manifest_(&manifest) {}
    Status put(const config::Document& doc, const config::Entry& entry);

    const Manifest* manifest_; // outlives this
    std::map<std::string, OptionValue> values_;
};

// The table of "segue.config/1".
const segue_host_config* config_service();

} // namespace segue::plugin
