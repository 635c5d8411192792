// SPDX-License-Identifier: Apache-2.0
// json.hpp - text as a JSON string (RFC 8259, section 7).
#pragma once

#include <string>
#include <string_view>

namespace segue {

// With its quotes. Control characters are escaped, so the answer is safe to print on a terminal;
// bytes that are not UTF-8 become '?'. [any]
std::string json_quote(std::string_view text);

} // namespace segue
