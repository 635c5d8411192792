// SPDX-License-Identifier: Apache-2.0
#include "core/base/number_list.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace segue {

namespace {

std::optional<std::uint16_t> parse_number(std::string_view text) {
    std::uint16_t number = 0;
    const auto* end = text.data() + text.size();
    const auto r = std::from_chars(text.data(), end, number);
    return r.ec == std::errc{} && r.ptr == end ? std::optional(number) : std::nullopt;
}

} // namespace

std::optional<std::vector<unsigned>> parse_number_list(std::string_view text) {
    std::vector<unsigned> list;
    for (std::size_t at = 0; at <= text.size();) {
        const auto comma = std::min(text.find(',', at), text.size());
        const std::string_view part = text.substr(at, comma - at);
        const auto dash = part.find('-');
        const auto first = parse_number(part.substr(0, dash));
        const auto last = dash == part.npos ? first : parse_number(part.substr(dash + 1));
        if (!first || !last || *last < *first || (!list.empty() && *first <= list.back()))
            return {};
        for (unsigned n = *first; n <= *last; ++n)
            list.push_back(n);
        at = comma + 1;
    }
    return list;
}

} // namespace segue
