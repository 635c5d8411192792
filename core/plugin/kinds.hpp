// SPDX-License-Identifier: Apache-2.0
// kinds.hpp - the kinds of plugin that this host has a place for.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <segue/cpp/caps.hpp>

namespace segue::plugin {

struct Kind {
    const char* word;                   // "transport": folders, names of plugins
    const char* table_id;               // "segue.transport.draft/1"
    std::span<const CapName> caps;      // names of the bits of its table
    std::span<const char* const> given; // services that only an instance gets, at create()
};

std::span<const Kind> kinds();
// NULL where this host knows none such.
const Kind* kind_by_word(std::string_view word);
const Kind* kind_by_table(std::string_view table_id);

// The names of the bits that are set.
std::vector<std::string> cap_names(const Kind& kind, std::uint64_t bits);

} // namespace segue::plugin
