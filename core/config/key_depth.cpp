// SPDX-License-Identifier: Apache-2.0
// Source: TOML 1.0, "Keys", "String" and "Comment".
#include "core/config/key_depth.hpp"

#include <algorithm>

namespace segue::config {

namespace {

constexpr auto npos = std::string_view::npos;

// Bytes of the string that `text` begins with, or of as much of it as there is.
std::size_t string_length(std::string_view text) {
    const char quote = text.front();
    const bool many_lines = text.size() > 2 && text[1] == quote && text[2] == quote;
    const std::string_view end = text.substr(0, many_lines ? 3 : 1);
    for (std::size_t i = end.size(); i < text.size(); ++i) {
        if (text[i] == '\\' && quote == '"')
            ++i;
        else if (text.substr(i, end.size()) == end)
            return i + end.size();
        else if (text[i] == '\n' && !many_lines)
            return i;
    }
    return text.size();
}

bool ends_key(char c) {
    return std::string_view("=,[]{}\n").find(c) != npos;
}

} // namespace

std::optional<std::uint32_t> line_of_deep_key(std::string_view toml) {
    std::size_t dots = 0;
    for (std::size_t i = 0; i < toml.size();) {
        const char c = toml[i];
        if (c == '.' && ++dots == kMaxKeyParts)
            return 1 + static_cast<std::uint32_t>(std::count(toml.begin(), toml.begin() + i, '\n'));
        if (ends_key(c))
            dots = 0;
        if (c == '"' || c == '\'')
            i += string_length(toml.substr(i));
        else
            i = c == '#' ? std::min(toml.find('\n', i), toml.size()) : i + 1;
    }
    return {};
}

} // namespace segue::config
