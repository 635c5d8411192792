// SPDX-License-Identifier: Apache-2.0
// Fixed ACPI Description Table (ACPI 6.5, section 5.2.9): always in ACPI mode (no SMI command), no
// PM timer, no general-purpose events, a power button in PM1.
#include <cstring>

#include "vmm/acpi/table.hpp"
#include "vmm/devices/acpi_pm/acpi_pm.hpp"
#include "vmm/devices/reset/reset.hpp"
#include "vmm/devices/rtc/registers.hpp"

namespace segue::vmm::acpi {

namespace {

constexpr std::uint16_t kLegacyDevices = 1 << 0, kNoVga = 1 << 2, kNoAspm = 1 << 4;
constexpr std::uint32_t kWbinvd = 1 << 0, kC1 = 1 << 2, kNoSleepButton = 1 << 5,
                        kRtcWakesNot = 1 << 6, kResetRegister = 1 << 10;
constexpr std::uint8_t kHardReset = 6; // of ResetControl
constexpr std::uint16_t kNoC2 = 101, kNoC3 = 1001;

struct __attribute__((packed)) Register { // generic address structure
    std::uint8_t space = 0;               // 1: I/O ports
    std::uint8_t bits = 0;
    std::uint8_t offset = 0;
    std::uint8_t access = 0;
    std::uint64_t address = 0;
};

constexpr Register ports(std::uint16_t first, std::uint8_t count) {
    return {1, static_cast<std::uint8_t>(count * 8), 0,
            count == 1 ? std::uint8_t{1} : std::uint8_t{2}, first};
}

struct __attribute__((packed)) Body { // after the header
    std::uint32_t facs = 0, dsdt = 0;
    std::uint8_t reserved0 = 0, profile = 4 /*server*/;
    std::uint16_t sci = AcpiPm::kSci;
    std::uint32_t smi_command = 0;
    std::uint8_t acpi_enable = 0, acpi_disable = 0, s4bios = 0, pstate = 0;
    std::uint32_t pm1a_event = AcpiPm::kPort, pm1b_event = 0;
    std::uint32_t pm1a_control = AcpiPm::kPort + AcpiPm::kControl, pm1b_control = 0;
    std::uint32_t pm2_control = 0, pm_timer = 0, gpe0 = 0, gpe1 = 0;
    std::uint8_t pm1_event_bytes = AcpiPm::kControl, pm1_control_bytes = 2;
    std::uint8_t pm2_control_bytes = 0, pm_timer_bytes = 0, gpe0_bytes = 0, gpe1_bytes = 0;
    std::uint8_t gpe1_base = 0, cst = 0;
    std::uint16_t c2_latency = kNoC2, c3_latency = kNoC3, flush_bytes = 0, flush_stride = 0;
    std::uint8_t duty_offset = 0, duty_width = 0, day_alarm = 0, month_alarm = 0;
    std::uint8_t century = rtc::Century;
    std::uint16_t boot = kLegacyDevices | kNoVga | kNoAspm; // and no 8042
    std::uint8_t reserved1 = 0;
    std::uint32_t flags = kWbinvd | kC1 | kNoSleepButton | kRtcWakesNot | kResetRegister;
    Register reset = ports(ResetControl::kPort, 1);
    std::uint8_t reset_value = kHardReset;
    std::uint16_t arm_boot = 0;
    std::uint8_t minor = 5;
    std::uint64_t x_facs = 0, x_dsdt = 0;
    Register x_pm1a_event = ports(AcpiPm::kPort, AcpiPm::kControl), x_pm1b_event;
    Register x_pm1a_control = ports(AcpiPm::kPort + AcpiPm::kControl, 2), x_pm1b_control;
    Register x_pm2_control, x_pm_timer, x_gpe0, x_gpe1, sleep_control, sleep_status;
    std::uint64_t hypervisor = 0;
};
static_assert(sizeof(Body) == 276 - 36);

} // namespace

Bytes fadt(std::uint32_t facs, std::uint32_t dsdt) {
    Body body;
    body.facs = facs;
    body.dsdt = dsdt;
    body.x_dsdt = dsdt;
    Bytes bytes(sizeof body);
    std::memcpy(bytes.data(), &body, sizeof body);
    return table("FACP", 6, bytes);
}

} // namespace segue::vmm::acpi
