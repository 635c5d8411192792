// SPDX-License-Identifier: Apache-2.0
// number_list.hpp - lists of small numbers as the kernel writes them: CPUs, NUMA nodes.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace segue {

// "0-1,3": ascending, each once, at least one and none above 65535. Nothing for anything else.
std::optional<std::vector<unsigned>> parse_number_list(std::string_view text);

} // namespace segue
