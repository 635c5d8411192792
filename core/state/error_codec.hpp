// SPDX-License-Identifier: Apache-2.0
// error_codec.hpp - an Error as a state container: a refusal keeps its words on the way.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::state {

std::vector<std::byte> encode_error(const Error& error);
// What encode_error() wrote; where it is damaged, an error that says so.
Error decode_error(std::span<const std::byte> container);

} // namespace segue::state
