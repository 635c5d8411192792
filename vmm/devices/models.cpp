// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/models.hpp"

#include "vmm/devices/virtio_block/options.hpp"
#include "vmm/devices/virtio_console/options.hpp"
#include "vmm/devices/virtio_net/options.hpp"
#include "vmm/devices/virtio_vsock/options.hpp"

namespace segue::vmm {

namespace {

constexpr std::size_t kSlots = 31; // of PCI bus 0 besides the host bridge's

constexpr config::DeviceModel kModels[] = {
    {"virtio-balloon", "memory that the guest gives back", {}},
    {"virtio-blk", "a disk", kVirtioBlockOptions},
    {"virtio-console", "a port to a pty of the host's", kVirtioConsoleOptions},
    {"virtio-net", "a network card on a tap", kVirtioNetOptions},
    {"virtio-rng", "random bytes of the host's", {}},
    {"virtio-vsock", "sockets between guest and host", kVirtioVsockOptions},
};

// All are virtio devices.
constexpr config::Key kOfEach[] = {
    {"packed",
     {config::Type::Bool},
     false,
     "true",
     "offer packed rings; without them the driver has split ones"},
};

} // namespace

config::DeviceModels device_models() {
    return {kModels, kSlots, kOfEach};
}

} // namespace segue::vmm
