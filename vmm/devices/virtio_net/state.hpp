// SPDX-License-Identifier: Apache-2.0
// state.hpp - a network card's saved state besides that of every virtio device, revision 1.
#pragma once

#include <cstddef>
#include <vector>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"
#include "vmm/devices/virtio_net/mac.hpp"

namespace segue::vmm {

struct NetState {
    static constexpr std::uint32_t kRevision = 1;
    // A virtio_net_hdr_v1, the longest segment that a host leaves to a guest, and its link header.
    static constexpr std::size_t kMaxFrame = 68 << 10;

    Mac burnt_in = {};          // since the guest's first boot
    Mac mac = {};               // that the driver has chosen
    bool fresh = true;          // the driver has not been heard since it took the device
    bool announce = false;      // the driver is asked to make the card known
    unsigned pairs = 1;         // of queues that the driver wants frames in
    std::uint64_t offloads = 0; // that are left to the guest: bits VIRTIO_NET_F_GUEST_*
    std::vector<std::vector<std::byte>> waiting; // a pair each: read from the tap, no room yet

    void write(state::Writer& section) const;
    static Result<NetState> read(const state::Section& section, std::size_t max_pairs);
    bool operator==(const NetState&) const = default;
};

} // namespace segue::vmm
