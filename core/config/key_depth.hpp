// SPDX-License-Identifier: Apache-2.0
// key_depth.hpp - a bound on dotted keys, before the parser makes a table of each part: those are
// nested, and whoever walks or frees them recurses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace segue::config {

constexpr std::size_t kMaxKeyParts = 32;

// The line, from 1, of the first key of more than kMaxKeyParts parts. `toml` need not be
// well-formed. [any]
std::optional<std::uint32_t> line_of_deep_key(std::string_view toml);

} // namespace segue::config
