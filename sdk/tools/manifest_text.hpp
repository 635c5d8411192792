// SPDX-License-Identifier: Apache-2.0
// manifest_text.hpp - a plugin's manifest, as its own description gives it.
#pragma once

#include <string>
#include <vector>

#include <segue/abi/entry.h>

namespace segue {

// TOML, one line a key; "" where the description is not whole. `aliases`: other names of the
// plugin.
std::string manifest_text(const segue_info& info, const std::vector<std::string>& aliases = {});

} // namespace segue
