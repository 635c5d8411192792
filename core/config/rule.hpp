// SPDX-License-Identifier: Apache-2.0
// rule.hpp - what one configuration key may hold, and its value once it does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/config/document.hpp"

namespace segue::config {

enum class Type : std::uint8_t {
    Bool,
    Uint,
    String,
    Path,     // absolute
    Size,     // "512M"; bytes
    Duration, // "200ms"; microseconds
    Name,     // 1 to 63 of [a-z0-9-], neither first nor last a '-'
    Choice,   // one of `choices`
    Names,    // an array of names
    Paths,    // an array of absolute paths
    Table,    // anything: a plugin's own keys
};

struct Rule {
    Type type = Type::String;
    std::uint64_t min = 0, max = 0; // Uint, Size, Duration; max 0: no bound
    const char* choices = "";       // "none|stdio|file"
};

// A checked value: Uint, Size and Duration are numbers.
using Datum =
    std::variant<bool, std::uint64_t, std::string, std::vector<std::string>, config::Table>;

bool is_name(std::string_view text);

// What the rule asks for, to stand behind "must be": "an integer from 1 to 64".
std::string expectation(const Rule& rule);
// What to write where it is not so.
std::string advice(const Rule& rule);

// Nothing where `value` is not what the rule asks for.
std::optional<Datum> read_value(const Value& value, const Rule& rule);
// `text` is a value without TOML's quotes; arrays and tables: "" for an empty one.
std::optional<Datum> read_default(std::string_view text, const Rule& rule);

} // namespace segue::config
