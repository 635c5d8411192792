// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_vsock/table.hpp"

#include <algorithm>

namespace segue::vmm {

VsockTable::Ports VsockTable::ports_of(const VsockConnection& connection) {
    return {connection.state().host_port, connection.state().guest_port};
}

VsockConnection* VsockTable::find(std::uint64_t id) {
    const auto at = all_.find(id);
    return at != all_.end() ? &at->second : nullptr;
}

VsockConnection* VsockTable::find(std::uint32_t host_port, std::uint32_t guest_port) {
    const auto at = by_ports_.find({host_port, guest_port});
    return at != by_ports_.end() ? find(at->second) : nullptr;
}

VsockConnection& VsockTable::add(VsockConnectionState state, UniqueFd stream) {
    const std::uint64_t id = state.id;
    VsockConnection& added =
        all_.try_emplace(id, std::move(state), std::move(stream)).first->second;
    index(added);
    return added;
}

void VsockTable::index(const VsockConnection& connection) {
    const VsockConnectionState& s = connection.state();
    if (s.stage == VsockStage::Requested || s.stage == VsockStage::Open) {
        by_ports_[ports_of(connection)] = s.id;
        return;
    }
    const auto at = by_ports_.find(ports_of(connection));
    if (at != by_ports_.end() && at->second == s.id)
        by_ports_.erase(at);
}

void VsockTable::remove(std::uint64_t id) {
    const auto at = all_.find(id);
    const auto ports = by_ports_.find(ports_of(at->second));
    if (ports != by_ports_.end() && ports->second == id)
        by_ports_.erase(ports);
    if (at->second.queued)
        turns_.erase(std::find(turns_.begin(), turns_.end(), id));
    all_.erase(at);
}

void VsockTable::clear() {
    turns_.clear();
    by_ports_.clear();
    all_.clear();
}

void VsockTable::queue(VsockConnection& connection) {
    if (!std::exchange(connection.queued, true))
        turns_.push_back(connection.state().id);
}

VsockConnection* VsockTable::next_turn() {
    if (turns_.empty())
        return nullptr;
    VsockConnection* const next = find(turns_.front());
    turns_.pop_front();
    next->queued = false;
    return next;
}

} // namespace segue::vmm
