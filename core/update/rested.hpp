// SPDX-License-Identifier: Apache-2.0
// rested.hpp - a channel's file as one finds it: the containers in its frames, without the plugin
// that wrote it, and without the guest's pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::update {

struct Rested {
    std::vector<std::byte> manifest, state; // empty: the file has none
    std::uint64_t frames = 0;
    bool whole = false; // its end frame is there, counts them all, and nothing stands behind it
};

// Nothing: the file is no channel's. CORRUPT names the offset. Believes no length. [any]
Result<std::optional<Rested>> read_rested(int fd);

} // namespace segue::update
