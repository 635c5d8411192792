// SPDX-License-Identifier: Apache-2.0
// channels.hpp - the channel that modes have in common.
#pragma once

#include <segue/abi/mode.h>
#include <segue/abi/transport.h>

namespace segue::modes {

// Descriptors, before the pause, to a process on the same host.
inline constexpr segue_channel_need kCpr = {
    "cpr", SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_FDS | SEGUE_TRANSPORT_BIDIRECTIONAL, 0, 1};

} // namespace segue::modes
