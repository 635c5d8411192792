// SPDX-License-Identifier: Apache-2.0
// factory.hpp - how a device is made of its configuration and of what it stands for on the host;
// one file of this folder for each model.
#pragma once

#include <memory>
#include <string_view>

#include <segue/cpp/result.hpp>

#include "core/inventory/inventory.hpp"
#include "vmm/machine/device_config.hpp"
#include "vmm/machine/host_side.hpp"
#include "vmm/virtio/model.hpp"

namespace segue::vmm {

using ModelPtr = std::unique_ptr<virtio::Model>;
using Act = Status (*)(const DeviceConfig&, const inventory::Inventory&);

// Of a device that stands for something which only one host may hold.
struct Holding {
    Status (*join)(const DeviceConfig&, inventory::Inventory&); // in place of open()
    Status (*may_leave)(const DeviceConfig&);
    Act write_out, let_go, take_hold, check_held;
};

struct Factory {
    std::string_view model;
    Status (*open)(const DeviceConfig&, inventory::Inventory&);
    Result<ModelPtr> (*make)(const DeviceConfig&, const HostSide&);
    void (*remove)(const DeviceConfig&) noexcept = nullptr; // what open() has left on the host
    const Holding* holding = nullptr;
};

extern const Factory kBalloonFactory, kBlockFactory, kConsoleFactory, kNetFactory, kRngFactory,
    kVsockFactory;

// What a device stands for, out of the inventory; a probe, which has none, gets nothing.
template <class Thing, class Name>
Result<Thing> adopted(Result<Thing> (*adopt)(const Name&, const inventory::Inventory&),
                      const Name& name, const HostSide& host) {
    return host.inventory != nullptr ? adopt(name, *host.inventory) : Result<Thing>(Thing{});
}

} // namespace segue::vmm
