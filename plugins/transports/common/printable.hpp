// SPDX-License-Identifier: Apache-2.0
// printable.hpp - what somebody else said, for an error or a line of the log.
#pragma once

#include <string>

namespace segue {

// Printable ASCII of at most `max` bytes: what is longer ends in "...", any other byte is a '?'.
std::string printable(std::string text, std::size_t max);

} // namespace segue
