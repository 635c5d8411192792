// SPDX-License-Identifier: Apache-2.0
// acpi_pm.hpp - ACPI fixed hardware: the PM1 registers, with a power button, suspend to RAM
// and soft-off.
#pragma once

#include <mutex>
#include <optional>

#include "vmm/devices/acpi_pm/state.hpp"
#include "vmm/devices/bus.hpp"
#include "vmm/devices/device.hpp"
#include "vmm/devices/guest_events.hpp"
#include "vmm/devices/irq_line.hpp"

namespace segue::vmm {

// Status, enable and control, 16 bits each, in any width of access. Always in ACPI mode; the SCI is
// level-triggered. Source: ACPI 6.5, sections 4.8.2 and 4.8.3. [any]
class AcpiPm final : public PortDevice, public Device {
public:
    static constexpr std::uint16_t kPort = 0x600;
    static constexpr std::uint16_t kPorts = 6;
    static constexpr std::uint16_t kControl = 4; // offset of PM1_CNT
    static constexpr std::uint32_t kSci = 9;
    static constexpr unsigned kSuspend = 3; // sleep type of S3
    static constexpr unsigned kSoftOff = 5; // sleep type of S5

    AcpiPm(GuestEvents& events, IrqLine& sci)
        : events_(events)
        , sci_(sci) {}

    void read(std::uint16_t port, std::span<std::byte> data) override;
    void write(std::uint16_t port, std::span<const std::byte> data) override;

    // REFUSED where the guest has not enabled the button: it would go unheard.
    Status press_power_button();
    // The guest is about to wake, after a reset: it reads that its power button did it, as where a
    // PC's firmware starts it again.
    void wake();

    DeviceId id() const override { return {"acpi-pm", "", AcpiPmState::kRevision}; }
    void save(state::Writer& section) const override;
    // The SCI's level came with the interrupt chips' state.
    Status load(const state::Section& section) override;
    void reset() noexcept override;

private:
    std::uint8_t read_byte(unsigned at) const;
    void write_byte(unsigned at, std::uint8_t value, std::optional<GuestEvent::Kind>& act);
    void update_line();

    GuestEvents& events_;
    IrqLine& sci_;
    mutable std::mutex mutex_;
    AcpiPmState s_;
};

} // namespace segue::vmm
