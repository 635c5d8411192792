// SPDX-License-Identifier: Apache-2.0
// stamp.hpp - what says that the bytes behind a RAM block are those of one guest, as one attempt
// left them: beside the RAM, for the time in which no process has it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <segue/cpp/result.hpp>

#include "core/inventory/inventory.hpp"
#include "core/state/header.hpp"

namespace segue::inventory {

// Who left the RAM there. The nonce is of the attempt, and stands in its manifest, too.
struct Stamp {
    state::Uuid guest = {};
    std::uint32_t generation = 0, attempt = 0;
    std::array<std::byte, 16> nonce = {};
};

// With digests of pages all over the block, so that a range which lost its content is found out.
// The guest must stand still. REFUSED where the back-end has no room for a stamp. [update]
Status write_stamp(const RamBlock& block, const Stamp& stamp);
// The same on a disk, with the RAM. May take as long as the disk does. [update]
Status sync(const RamBlock& block);

// REFUSED: the block carries no stamp, or another one, or other RAM than was stamped. [main]
Status check_stamp(const RamBlock& block, const Stamp& stamp);
// The RAM goes on changing: no state fits it any more. [main]
void clear_stamp(const RamBlock& block) noexcept;

} // namespace segue::inventory
