// SPDX-License-Identifier: Apache-2.0
// device_factory.hpp - makes devices by the name of their model.
#pragma once

#include <memory>

#include <segue/cpp/result.hpp>

#include "core/inventory/inventory.hpp"
#include "vmm/machine/device_config.hpp"
#include "vmm/machine/host_side.hpp"
#include "vmm/virtio/model.hpp"

namespace segue::vmm {

// Opens what the devices stand for on the host, into the inventory. [main]
Status open_devices(const std::vector<DeviceConfig>& devices, inventory::Inventory& inventory);
// The same for a guest that runs on another host yet: what only one may hold is left alone. [main]
Status join_devices(const std::vector<DeviceConfig>& devices, inventory::Inventory& inventory);
// REFUSED names a device that stays on this host. [update]
Status check_leaving(const std::vector<DeviceConfig>& devices);
// What the guest has written is on its way to its disks. [update]
Status write_out(const std::vector<DeviceConfig>& devices, const inventory::Inventory& inventory);
// What only one host may hold: let go, taken. [update, main]
Status let_go(const std::vector<DeviceConfig>& devices, const inventory::Inventory& inventory);
Status take_hold(const std::vector<DeviceConfig>& devices, const inventory::Inventory& inventory);
// Before it is taken: whether somebody holds it, who then is the guest's VMM on the other host.
Status check_held(const std::vector<DeviceConfig>& devices, const inventory::Inventory& inventory);
// No process has the guest any more: removes what that left in the file system. [main]
void forget_devices(const std::vector<DeviceConfig>& devices) noexcept;

// UNSUPPORTED where there is no such model. [main]
Result<std::unique_ptr<virtio::Model>> make_model(const DeviceConfig& device, const HostSide& host);

} // namespace segue::vmm
