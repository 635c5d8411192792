// SPDX-License-Identifier: Apache-2.0
// options.hpp - a plugin's own keys among the settings. core/plugin checks them by the plugin's
// manifest; here they are only put down, so that effective() and the identity hold them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <segue/abi/entry.h>

#include "core/config/settings.hpp"

namespace segue::config {

// The table at `path` ("memory[0].options") as it was written; empty where it is absent. Lives as
// long as the settings stay as they are.
const Table& given_options(const Settings& settings, std::string_view path);

// One key that has a value, given or its default.
struct CheckedOption {
    std::string key;
    std::uint32_t type = 0; // SEGUE_OPTION_*
    Datum value;
};

// Shows `options` in place of the table at `path`. May be called again.
void put_options(Settings& settings, std::string_view path,
                 const std::vector<CheckedOption>& options);

} // namespace segue::config
