// SPDX-License-Identifier: Apache-2.0
// device_set.hpp - the machine's devices, as the engine and the machine see them.
#pragma once

#include <memory>
#include <vector>

#include "core/ports/devices.hpp"
#include "vmm/devices/acpi_pm/acpi_pm.hpp"
#include "vmm/devices/console/console.hpp"
#include "vmm/devices/debug_exit/debug_exit.hpp"
#include "vmm/devices/reset/reset.hpp"
#include "vmm/devices/rtc/rtc.hpp"
#include "vmm/devices/serial/serial.hpp"
#include "vmm/machine/kvm_irq_line.hpp"
#include "vmm/machine/pci_devices.hpp"

namespace segue::vmm {

// ACPI power management, the real-time clock, COM1 and its console, the debug exit, two reset
// ports; the PCI bus with the devices of the configuration.
class DeviceSet final : public ports::Devices {
public:
    // Attaches them to `buses`; `events` hears what the guest asks of them. Both outlive it.
    static Result<std::unique_ptr<DeviceSet>> create(ConsoleBackend backend, Vm& vm, Buses& buses,
                                                     GuestEvents& events);
    // Once, after create(); `ram` outlives it.
    Status plug_in(const std::vector<DeviceConfig>& devices, const HostSide& host, Vm& vm,
                   Buses& buses, const GuestRam& ram);
    ~DeviceSet() override;

    Status settle(Deadline deadline) override;
    Status quiesce() override;
    unsigned requests_waiting() const override;
    Status claim(bool* claimed) override;
    void activate() noexcept override;
    Status reclaim() override;

    // Section "devices" of the manifest: which there are, so that a successor without one says so;
    // and the PCI functions' state as it is now, so that a successor finds out before the pause
    // whether it can have it, and has little left to do in it.
    void describe(state::Writer& manifest) const;
    Status check(const state::Reader& manifest);
    void save(state::Writer& state) const;
    // A device without its section is an error that names it.
    Status load(const state::Reader& state);
    void reset() noexcept;
    // Of the devices whose writes to guest RAM nobody sees; "" where there are none. [any]
    std::string writing_unseen() const;
    AcpiPm& acpi_pm() { return acpi_pm_; }

private:
    DeviceSet(std::unique_ptr<Console> console, Vm& vm, GuestEvents& events);
    std::string names() const;
    static void save(const Device& device, state::Writer& to);
    static Status load(Device& device, const state::Reader& from);

    std::unique_ptr<Console> console_;
    KvmIrqLine sci_;
    KvmIrqLine serial_line_;
    KvmIrqLine rtc_line_;
    AcpiPm acpi_pm_;
    Serial serial_;
    DebugExit debug_exit_;
    KeyboardReset keyboard_reset_;
    ResetControl reset_control_;
    Rtc rtc_;
    std::unique_ptr<PciDevices> pci_;
    std::vector<Device*> stateful_;
    std::vector<ActiveDevice*> active_;
};

} // namespace segue::vmm
