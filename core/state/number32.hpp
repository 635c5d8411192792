// SPDX-License-Identifier: Apache-2.0
// number32.hpp - a section's unsigned number where 32 bits are all that it may have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/state/section.hpp"

namespace segue::state {

// CORRUPT where the key is missing, mistyped or too large.
inline Result<std::uint32_t> number32(const Section& in, std::string_view key) {
    SEGUE_ASSIGN(const std::uint64_t n, in.number(key));
    if (n > 0xffffffff)
        return Error(Code::Corrupt, "'" + std::string(key) + "' is out of range");
    return static_cast<std::uint32_t>(n);
}

} // namespace segue::state
