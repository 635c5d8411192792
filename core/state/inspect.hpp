// SPDX-License-Identifier: Apache-2.0
// inspect.hpp - a container as people and scripts read it (`segue inspect FILE`).
#pragma once

#include <string>

#include "core/state/reader.hpp"

namespace segue::state {

// A line for each fact; byte strings show their length and first bytes.
std::string inspect_text(const Reader& reader);
// One JSON object: header and sections; byte strings whole, in hexadecimal.
std::string inspect_json(const Reader& reader);

// What differs between two, a line each, "-" of `a` and "+" of `b`; "" where nothing does.
std::string inspect_diff(const Reader& a, const Reader& b);

// "00112233-4455-..." (RFC 4122, section 3).
std::string format_uuid(const Uuid& uuid);

} // namespace segue::state
