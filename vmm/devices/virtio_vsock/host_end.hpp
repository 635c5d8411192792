// SPDX-License-Identifier: Apache-2.0
// host_end.hpp - what a virtio socket device stands for on the host: a socket with a path.
#pragma once

#include <cstdint>
#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/inventory/inventory.hpp"
#include "vmm/devices/stream_pouch.hpp"

namespace segue::vmm {

struct VsockConfig {
    std::string id;
    std::uint64_t cid = 0; // the guest's
    std::string path;      // who connects there talks to the guest
};

struct VsockHostEnd {
    int listener = -1; // the inventory's, not blocking; -1: none, as in a probe
    StreamPouch pouch;
    bool reopened = false; // nothing was handed over: no connection of the state's is there
};

// First boot: listens at the path; a socket that nobody listens at any more is replaced. REFUSED
// where somebody does, or something else stands there. [main]
Status open_vsock(const VsockConfig& config, inventory::Inventory& inventory);
// A later generation: finds it there. [main]
Result<VsockHostEnd> adopt_vsock(const VsockConfig& config, const inventory::Inventory& inventory);
// No process has the guest: nobody will listen there. [main]
void remove_vsock(const VsockConfig& config) noexcept;

// The socket at which a process of the host's waits for connections of the guest's to `port`.
std::string path_of_port(const VsockConfig& config, std::uint32_t port);

} // namespace segue::vmm
