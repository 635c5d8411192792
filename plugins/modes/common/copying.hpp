// SPDX-License-Identifier: Apache-2.0
// copying.hpp - what modes that copy RAM to another process, here or on another host, have in
// common.
#pragma once

#include <span>

#include <segue/cpp/mode.hpp>

namespace segue::modes {

inline constexpr std::uint32_t kBothArbiters = SEGUE_ARBITER_WORD | SEGUE_ARBITER_HANDSHAKE;

// Every block goes by `phases` (SEGUE_RAM_*). No descriptor reaches another host: the first of
// `channels`, which is kCpr, and the inventory are for one host. [negotiate]
Plan plan_copy(bool one_host, std::uint32_t phases, std::uint32_t needs,
               std::span<const segue_channel_need> channels, std::span<std::uint32_t> ram_of_block);

} // namespace segue::modes
