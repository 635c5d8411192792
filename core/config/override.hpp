// SPDX-License-Identifier: Apache-2.0
// override.hpp - one `--set key=value`.
#pragma once

#include <string_view>

#include "core/config/document.hpp"

namespace segue::config {

// Sets a value in the tree, making tables on the way. The key has dots and, for an array of tables,
// an index: "memory[0].size". The value is TOML (4, true, [1], { a = 1 }) or, where it is not, a
// string as it stands: 512M, /boot/vmlinux. Checked with the rest, by the schema.
Status apply_override(Document& document, std::string_view text);

} // namespace segue::config
