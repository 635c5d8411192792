// SPDX-License-Identifier: Apache-2.0
// tap.hpp - the host's end of a virtual cable: a tap interface, a descriptor for each of its
// queues.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/inventory/inventory.hpp"

namespace segue::vmm {

struct TapConfig {
    std::string id;   // of the device
    std::string name; // of the interface; "": whatever the descriptors are of
    std::string fds;  // "5,6": that this process was started with; "": by name
    unsigned queues = 1;
    bool offloads = true;
};

// Frames on it begin with a virtio_net_hdr_v1 (virtio 1.2, 5.1.6), as in the rings. The descriptors
// belong to the inventory, as "tap.ID.0" and so on, and with them the interface's queues, what the
// kernel has been told of offloads, and the frames that wait: all of it goes on to the next
// generation, which opens nothing. Not blocking. None: as a probe has it.
struct Tap {
    std::vector<int> fds;
    bool reopened = false; // by a process that was handed nothing: the kernel knows nothing yet
};

// By name, or by numbers; into the inventory. An error says what is wrong with the interface.
// [main]
Status open_tap(const TapConfig& config, inventory::Inventory& inventory);
// From the inventory. [main]
Result<Tap> adopt_tap(const TapConfig& config, const inventory::Inventory& inventory);

// Tells the kernel what it may leave to the guest, TUN_F_*. [device's worker]
Status set_offloads(const Tap& tap, unsigned flags);
// The kernel gives frames to the first `pairs` queues only. [device's worker]
void use_queues(const Tap& tap, unsigned pairs);

} // namespace segue::vmm
