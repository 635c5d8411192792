// SPDX-License-Identifier: Apache-2.0
// utf8.hpp - is it UTF-8, and if not, make it so.
#pragma once

#include <string>
#include <string_view>

namespace segue {

// Bytes of `text` up to the first that is not well formed; all, where it is UTF-8. RFC 3629: no
// overlong forms, no surrogates, nothing above U+10FFFF. [any]
std::size_t utf8_prefix(std::string_view text);
bool is_utf8(std::string_view text);

// `text` with '?' for every byte that is not part of a well-formed sequence: paths and kernel
// strings may hold anything. [any]
std::string to_utf8(std::string_view text);

} // namespace segue
