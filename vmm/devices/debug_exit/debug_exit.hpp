// SPDX-License-Identifier: Apache-2.0
// debug_exit.hpp - a port by which a bare guest powers off with an exit code.
#pragma once

#include "vmm/devices/bus.hpp"
#include "vmm/devices/guest_events.hpp"

namespace segue::vmm {

// Four ports at 0xf4. A write of 1, 2 or 4 bytes is the exit code itself (QEMU's isa-debug-exit
// would double it and add one); a read gives 0, so that a guest can tell it from nothing. No state.
class DebugExit final : public PortDevice {
public:
    static constexpr std::uint16_t kPort = 0xf4;
    static constexpr std::uint16_t kPorts = 4;

    explicit DebugExit(GuestEvents& events)
        : events_(events) {}

    void read(std::uint16_t port, std::span<std::byte> data) override;
    void write(std::uint16_t port, std::span<const std::byte> data) override;

private:
    GuestEvents& events_;
};

} // namespace segue::vmm
