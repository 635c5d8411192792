// SPDX-License-Identifier: Apache-2.0
// The DSDT: what is neither a processor nor found by itself.
#include <algorithm>

#include "vmm/acpi/aml.hpp"
#include "vmm/acpi/resources.hpp"
#include "vmm/acpi/table.hpp"
#include "vmm/devices/acpi_pm/acpi_pm.hpp"
#include "vmm/devices/reset/reset.hpp"
#include "vmm/devices/rtc/rtc.hpp"
#include "vmm/devices/serial/serial.hpp"
#include "vmm/memory/layout.hpp"

namespace segue::vmm::acpi {

namespace {

constexpr unsigned kSlots = 32, kPins = 4;
constexpr unsigned kFirstPciGsi = 16, kPciGsis = 8; // the IOAPIC's last pins

// What belongs to the machine itself, so that the guest puts nothing else there.
Bytes motherboard() {
    return device("MB00", joined({name("_HID", eisa_id("PNP0C02")),
                                  name("_CRS", resources({
                                                   fixed_memory(kEcam, kEcamBytes),
                                                   io_ports(AcpiPm::kPort, AcpiPm::kPorts),
                                                   io_ports(ResetControl::kPort, 1),
                                               }))}));
}

// Each pin of a slot is wired to one of the eight interrupts (6.2.13).
Bytes interrupt_routes() {
    std::vector<Bytes> routes;
    for (unsigned slot = 0; slot < kSlots; ++slot)
        for (unsigned pin = 0; pin < kPins; ++pin)
            routes.push_back(package({integer(slot << 16 | 0xffff), integer(pin), integer(0),
                                      integer(kFirstPciGsi + slot % kPciGsis)}));
    return package(routes);
}

Bytes pci_root(bool high_window) {
    std::vector<Bytes> passes = {bus_numbers(0, 0), memory_window(kPciWindow, kPciWindowEnd)};
    if (high_window)
        passes.push_back(memory_window(kPciHighWindow, kPciHighWindow + kPciHighWindowBytes));
    return device("PCI0",
                  joined({name("_HID", eisa_id("PNP0A08")), // PCI Express root
                          name("_CID", eisa_id("PNP0A03")), name("_UID", integer(0)),
                          name("_SEG", integer(0)), name("_BBN", integer(0)),
                          name("_CRS", resources(passes)), name("_PRT", interrupt_routes())}));
}

Bytes serial_port() {
    return device("COM1", joined({name("_HID", eisa_id("PNP0501")), name("_UID", integer(1)),
                                  name("_DDN", text("COM1")),
                                  name("_CRS", resources({io_ports(Serial::kPort, Serial::kPorts),
                                                          isa_irq(Serial::kIrq)}))}));
}

Bytes clock() {
    return device(
        "RTC0",
        joined({name("_HID", eisa_id("PNP0B00")),
                name("_CRS", resources({io_ports(Rtc::kPort, Rtc::kPorts), isa_irq(Rtc::kIrq)}))}));
}

// PM1a and PM1b control's sleep type (7.4.2); there is no PM1b.
Bytes sleep_state(std::string_view path, unsigned type) {
    return name(path, package({integer(type), integer(0), integer(0), integer(0)}));
}

Bytes suspend_state() {
    return sleep_state("\\_S3", AcpiPm::kSuspend);
}

} // namespace

bool offers_suspend(const Bytes& tables) {
    const Bytes state = suspend_state();
    return std::search(tables.begin(), tables.end(), state.begin(), state.end()) != tables.end();
}

Bytes dsdt(bool high_window) {
    return table("DSDT", 2,
                 joined({suspend_state(), sleep_state("\\_S5", AcpiPm::kSoftOff),
                         scope("\\_SB", joined({motherboard(), pci_root(high_window), clock(),
                                                serial_port()}))}));
}

} // namespace segue::vmm::acpi
