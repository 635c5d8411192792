// SPDX-License-Identifier: Apache-2.0
// check.hpp - everything that can be said of a configuration without a guest and without opening a
// plugin.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/config/guest_config.hpp"

namespace segue::cli {

// The file with its overrides, each plugin found and its options checked, each allowed mode with a
// channel that it can use.
Result<config::GuestConfig> checked_config(const std::filesystem::path& file,
                                           const std::vector<std::string>& overrides);

} // namespace segue::cli
