// SPDX-License-Identifier: Apache-2.0
// manifest.hpp - what a plugin says about itself, read from the file beside it: nothing is opened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <segue/abi/entry.h>
#include <segue/cpp/result.hpp>

#include "core/plugin/kinds.hpp"

namespace segue::plugin {

// One key of the plugin's own configuration.
struct Option {
    std::string key;
    std::string doc;
    std::uint32_t type = 0;            // SEGUE_OPTION_*
    std::optional<std::string> preset; // the default, as it would stand in TOML, unquoted
    std::uint64_t min = 0, max = 0;    // max 0: no bound
    bool required = false;

    // "string", "uint", "bool", "size", "duration", "path"
    const char* type_name() const;
};

struct Manifest {
    const Kind* kind = nullptr;
    std::string id, version, licence, summary;
    std::vector<std::string> aliases; // other names, in a configuration or a request
    std::vector<std::string> needs, caps;
    std::uint32_t wire_rev = 0, wire_rev_min = 0, state_rev = 0, state_rev_min = 0;
    std::vector<Option> options;
    std::filesystem::path file;    // the manifest
    std::filesystem::path library; // beside it

    // "transport/unix": unique, and what people write.
    std::string name() const { return std::string(kind->word) + "/" + id; }
    // NULL where there is none.
    const Option* option(std::string_view key) const;
    bool has_cap(std::string_view cap) const;
    bool is_called(std::string_view name) const; // its id, or an alias
};

// `file` is <id>.toml; the binary is <id>.so in the same folder. Unsupported for a kind that this
// host does not know.
Result<Manifest> load_manifest(const std::filesystem::path& file);

// Refused, naming the field and both values, where the binary says otherwise than its manifest.
Status compare(const Manifest& manifest, const segue_info& binary);

} // namespace segue::plugin
