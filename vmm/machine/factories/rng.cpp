// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_rng/virtio_rng.hpp"
#include "vmm/machine/factories/factory.hpp"

namespace segue::vmm {

namespace {

Status open_nothing(const DeviceConfig&, inventory::Inventory&) {
    return {};
}

Result<ModelPtr> make_rng(const DeviceConfig& d, const HostSide&) {
    return ModelPtr(new VirtioRng(d.id));
}

} // namespace

constexpr Factory kRngFactory = {VirtioRng::kName, open_nothing, make_rng};

} // namespace segue::vmm
