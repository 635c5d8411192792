// SPDX-License-Identifier: Apache-2.0
// field.hpp - one named value of a section.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace segue::state {

enum class Type : std::uint8_t { Unsigned, Signed, Flag, Text, Bytes };

// Text and bytes point into the container.
struct Field {
    std::string_view key;
    Type type = Type::Unsigned;
    std::uint64_t number = 0;         // Unsigned, Flag; Signed (below 0) as two's complement
    std::span<const std::byte> bytes; // Text, Bytes
};

inline std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace segue::state
