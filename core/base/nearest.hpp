// SPDX-License-Identifier: Apache-2.0
// nearest.hpp - "did you mean ...?"
#pragma once

#include <string_view>
#include <vector>

namespace segue {

// Of `known`, the one with the fewest edits to `word`; "" where none is near. [any]
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

} // namespace segue
