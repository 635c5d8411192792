// SPDX-License-Identifier: Apache-2.0
#include "core/base/utf8.hpp"

namespace segue {

namespace {

// Bytes of the well-formed sequence that `text` begins with; 0: none. Unicode 15, table 3-7.
std::size_t sequence(std::string_view text) {
    const auto at = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    const unsigned first = at(0);
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    const unsigned low = first == 0xe0 ? 0xa0u : first == 0xf0 ? 0x90u : 0x80u;
    const unsigned high = first == 0xed ? 0x9fu : first == 0xf4 ? 0x8fu : 0xbfu;
    const std::size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (at(1) < low || at(1) > high)
        return 0;
    for (std::size_t i = 2; i < length; ++i)
        if (at(i) < 0x80 || at(i) > 0xbf)
            return 0;
    return length;
}

} // namespace

std::size_t utf8_prefix(std::string_view text) {
    std::size_t good = 0;
    while (good < text.size()) {
        const std::size_t n = sequence(text.substr(good));
        if (n == 0)
            break;
        good += n;
    }
    return good;
}

bool is_utf8(std::string_view text) {
    return utf8_prefix(text) == text.size();
}

std::string to_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t n = sequence(text);
        if (n == 0)
            out += '?';
        else
            out += text.substr(0, n);
        text.remove_prefix(n == 0 ? 1 : n);
    }
    return out;
}

} // namespace segue
