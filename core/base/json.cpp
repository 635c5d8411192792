// SPDX-License-Identifier: Apache-2.0
#include "core/base/json.hpp"

#include <cstdio>

#include "core/base/utf8.hpp"

namespace segue {

std::string json_quote(std::string_view text) {
    std::string out = "\"";
    for (const char c : to_utf8(text)) {
        const auto u = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (u < 0x20 || u == 0x7f) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", u);
            out += escape;
        } else {
            out += c;
        }
    }
    return out + "\"";
}

} // namespace segue
