// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_balloon/virtio_balloon.hpp"
#include "vmm/machine/factories/factory.hpp"

namespace segue::vmm {

namespace {

Status open_balloon(const DeviceConfig& d, inventory::Inventory& inventory) {
    for (const inventory::RamBlock& block : inventory.blocks())
        if ((1ull << block.page_shift) != BalloonSize::kPage)
            return Error(Code::Unsupported, "device '" + d.id + "': the pages of RAM '" + block.id +
                                                "' are too large to be given back one by one")
                .way_out("leave the balloon out, or use memory with pages of 4 KiB")
                .with("device", d.id);
    return {};
}

Result<ModelPtr> make_balloon(const DeviceConfig& d, const HostSide& host) {
    std::shared_ptr<BalloonSize> size = host.balloon;
    if (size == nullptr) {
        SEGUE_ASSIGN(size, BalloonSize::create());
    }
    return ModelPtr(new VirtioBalloon(d.id, std::move(size)));
}

} // namespace

constexpr Factory kBalloonFactory = {VirtioBalloon::kName, open_balloon, make_balloon};

} // namespace segue::vmm
