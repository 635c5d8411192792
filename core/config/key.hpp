// SPDX-License-Identifier: Apache-2.0
// key.hpp - the check of one key, for the configuration's own schema and for the plugins'.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/settings.hpp"

namespace segue::config {

struct KeyCheck {
    std::string path; // where it stands, for errors and for the setting
    Rule rule;
    bool required = false;
    std::optional<std::string> preset; // the default, as it would stand in TOML, unquoted
};

// The setting; nothing where the key is absent and may be. `value`: nullptr where it is absent;
// `table`: where the table stands that it belongs to.
Result<std::optional<Setting>> check_key(const Document& document, const KeyCheck& check,
                                         const Value* value, Place table);

// "FILE:LINE:COLUMN: PATH.KEY is unknown; did you mean 'NEAREST'?" `path` is "" at the root.
Error unknown_key(const Document& document, Place place, std::string_view path,
                  std::string_view key, const std::vector<std::string_view>& known);

} // namespace segue::config
