// SPDX-License-Identifier: Apache-2.0
// table.hpp - the connections of a virtio socket device: by name, by their ports, in their turns.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "vmm/devices/virtio_vsock/connection.hpp"

namespace segue::vmm {

// [with the device's lock]
class VsockTable {
public:
    using All = std::map<std::uint64_t, VsockConnection>;

    const All& all() const { return all_; }
    All& all() { return all_; }
    bool full() const { return all_.size() >= VirtioVsockState::kConnections; }
    VsockConnection* find(std::uint64_t id);
    VsockConnection* find(std::uint32_t host_port, std::uint32_t guest_port);

    // A new one, found by its ports at once where it has some.
    VsockConnection& add(VsockConnectionState state, UniqueFd stream);
    // It has its ports now, or has lost them.
    void index(const VsockConnection& connection);
    void remove(std::uint64_t id);
    void clear();

    // Connections that have something to say have their turns, one after the other.
    void queue(VsockConnection& connection);
    VsockConnection* next_turn();
    bool anybody_waits() const { return !turns_.empty(); }

private:
    using Ports = std::pair<std::uint32_t, std::uint32_t>; // the host's, the guest's
    static Ports ports_of(const VsockConnection& connection);

    All all_;
    std::map<Ports, std::uint64_t> by_ports_;
    std::deque<std::uint64_t> turns_; // of connections that are there
};

} // namespace segue::vmm
