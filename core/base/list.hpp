// SPDX-License-Identifier: Apache-2.0
// list.hpp - "a, b, c"
#pragma once

#include <string>
#include <string_view>

namespace segue {

// Puts `word` at the end of `list`. [any]
inline void add_to_list(std::string& list, std::string_view word) {
    if (!list.empty())
        list += ", ";
    list += word;
}

// All of `words`; "" without any. [any]
template <class Words>
std::string list_of(const Words& words) {
    std::string list;
    for (const auto& word : words)
        add_to_list(list, word);
    return list;
}

} // namespace segue
