// SPDX-License-Identifier: Apache-2.0
// reset.hpp - the two ports by which a PC guest asks for its own reset.
#pragma once

#include "vmm/devices/bus.hpp"
#include "vmm/devices/guest_events.hpp"

namespace segue::vmm {

// The keyboard controller's command port: 0xfe pulses the reset line. There is no keyboard; the
// status reads 0, so that a guest which first waits for an empty input buffer goes on. No state.
class KeyboardReset final : public PortDevice {
public:
    static constexpr std::uint16_t kPort = 0x64;

    explicit KeyboardReset(GuestEvents& events)
        : events_(events) {}

    void read(std::uint16_t port, std::span<std::byte> data) override;
    void write(std::uint16_t port, std::span<const std::byte> data) override;

private:
    GuestEvents& events_;
};

// The chipset's reset control register (Intel PIIX, RST_CR): bit 2 rising resets, whatever bit 1
// says of hard or soft. Bit 1 reads back as 0: guests write both in one go or in two writes.
class ResetControl final : public PortDevice {
public:
    static constexpr std::uint16_t kPort = 0xcf9;

    explicit ResetControl(GuestEvents& events)
        : events_(events) {}

    void read(std::uint16_t port, std::span<std::byte> data) override;
    void write(std::uint16_t port, std::span<const std::byte> data) override;

private:
    GuestEvents& events_;
};

} // namespace segue::vmm
