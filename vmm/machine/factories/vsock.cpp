// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_vsock/virtio_vsock.hpp"
#include "vmm/machine/factories/factory.hpp"

namespace segue::vmm {

namespace {

VsockConfig vsock_config(const DeviceConfig& d) {
    return {d.id, d.number("cid"), d.text("path")};
}

Status open_sockets(const DeviceConfig& d, inventory::Inventory& inventory) {
    return open_vsock(vsock_config(d), inventory);
}

Result<ModelPtr> make_sockets(const DeviceConfig& d, const HostSide& host) {
    SEGUE_ASSIGN(VsockHostEnd end, adopted(adopt_vsock, vsock_config(d), host));
    end.reopened = host.reopened;
    SEGUE_ASSIGN(auto sockets, VirtioVsock::create(vsock_config(d), end));
    return ModelPtr(std::move(sockets));
}

void remove_sockets(const DeviceConfig& d) noexcept {
    remove_vsock(vsock_config(d));
}

} // namespace

constexpr Factory kVsockFactory = {VirtioVsock::kName, open_sockets, make_sockets, remove_sockets};

} // namespace segue::vmm
