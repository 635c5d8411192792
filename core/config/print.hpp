// SPDX-License-Identifier: Apache-2.0
// print.hpp - values as TOML.
#pragma once

#include <string>
#include <string_view>

#include "core/config/rule.hpp"

namespace segue::config {

// A key, quoted where TOML asks for it.
std::string print_key(std::string_view key);
// One line; tables and arrays inline.
std::string print(const Value& value);
// At most 200 bytes of it, with "..." behind them: for errors.
std::string brief(std::string text);
// A size as "512M" and a duration as "200ms", so that it reads back as the same number.
std::string print(const Datum& datum, Type type);

} // namespace segue::config
