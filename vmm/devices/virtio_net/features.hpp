// SPDX-License-Identifier: Apache-2.0
// features.hpp - virtio 1.2, 5.1.3: what a network card offers.
#pragma once

#include <cstdint>

#include "vmm/devices/virtio_net/uapi.hpp"

namespace segue::vmm {

constexpr std::uint64_t bit(unsigned n) {
    return 1ull << n;
}

// Frames without a checksum, or longer than the wire, from the host to the guest.
inline constexpr std::uint64_t kLeftToGuest =
    bit(VIRTIO_NET_F_GUEST_CSUM) | bit(VIRTIO_NET_F_GUEST_TSO4) | bit(VIRTIO_NET_F_GUEST_TSO6) |
    bit(VIRTIO_NET_F_GUEST_ECN) | bit(VIRTIO_NET_F_GUEST_UFO);
// The same from the guest to the host.
inline constexpr std::uint64_t kLeftToHost =
    bit(VIRTIO_NET_F_CSUM) | bit(VIRTIO_NET_F_HOST_TSO4) | bit(VIRTIO_NET_F_HOST_TSO6) |
    bit(VIRTIO_NET_F_HOST_ECN) | bit(VIRTIO_NET_F_HOST_UFO);

} // namespace segue::vmm
