// SPDX-License-Identifier: Apache-2.0
#include "plugins/modes/common/copying.hpp"

#include <algorithm>

namespace segue::modes {

Plan plan_copy(bool one_host, std::uint32_t phases, std::uint32_t needs,
               std::span<const segue_channel_need> channels,
               std::span<std::uint32_t> ram_of_block) {
    std::fill(ram_of_block.begin(), ram_of_block.end(), phases);
    return Plan{SEGUE_SUCCESSOR_PEER, kBothArbiters, ram_of_block.empty() ? 0 : phases,
                needs | (one_host ? SEGUE_NEEDS_INVENTORY : 0u),
                channels.subspan(one_host ? 0 : 1)};
}

} // namespace segue::modes
