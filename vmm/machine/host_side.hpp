// SPDX-License-Identifier: Apache-2.0
// host_side.hpp - what a device is made with besides its configuration.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/inventory/inventory.hpp"
#include "vmm/devices/virtio_balloon/balloon_size.hpp"

namespace segue::vmm {

// How a device finds what it stands for.
struct HostSide {
    const inventory::Inventory* inventory = nullptr; // nullptr: it does not, as in a probe
    std::shared_ptr<BalloonSize> balloon; // of the guest's only one; nullptr: as in a probe
    bool reopened = false; // by name, in a process that was handed nothing: may be another one
    std::vector<std::string> changed_disks; // ids of those that are allowed to be
    // The devices' own descriptors whose end takes the kernel a grace period.
    std::shared_ptr<std::vector<int>> slow_to_close = std::make_shared<std::vector<int>>();
};

} // namespace segue::vmm
