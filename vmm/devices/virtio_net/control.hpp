// SPDX-License-Identifier: Apache-2.0
// control.hpp - what the driver asks of a network card on its control queue.
#pragma once

#include "vmm/devices/virtio_net/state.hpp"
#include "vmm/virtio/chain.hpp"

namespace segue::vmm {

// Virtio 1.2, 5.1.6.5: does the command in `chain` to `card`, and answers it; the answer's length.
// `features`: that the driver has accepted. CORRUPT: no command, or no room for the answer.
Result<std::uint32_t> obey(const virtio::Chain& chain, const virtio::Memory& memory,
                           std::uint64_t features, unsigned max_pairs, NetState& card);

} // namespace segue::vmm
