// SPDX-License-Identifier: Apache-2.0
// cbor.hpp - the part of CBOR (RFC 8949) that a section is made of: one flat map of definite
// length, text keys, values unsigned, negative, bool, text or bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/state/field.hpp"

namespace segue::state::cbor {

inline constexpr std::size_t kMaxFields = 4096; // in a section
inline constexpr std::size_t kMaxMapHead = 3;   // bytes of a map's head up to kMaxFields

// The first item of a map of `fields` pairs into `out`; gives its length.
std::size_t put_map_head(std::size_t fields, std::span<std::byte, kMaxMapHead> out);

// Each appends one item.
void put_unsigned(std::vector<std::byte>& out, std::uint64_t value);
void put_signed(std::vector<std::byte>& out, std::int64_t value);
void put_flag(std::vector<std::byte>& out, bool value);
void put_text(std::vector<std::byte>& out, std::string_view value);
void put_bytes(std::vector<std::byte>& out, std::span<const std::byte> value);

// Exactly one map; anything else is CORRUPT. The fields point into `payload`.
Result<std::vector<Field>> read_map(std::span<const std::byte> payload);

} // namespace segue::state::cbor
