// SPDX-License-Identifier: Apache-2.0
// tables.hpp - the ACPI tables that tell a guest of its hardware.
#pragma once

#include <segue/cpp/result.hpp>

#include "vmm/acpi/bytes.hpp"
#include "vmm/memory/guest_ram.hpp"

namespace segue::vmm {

// What differs from one guest to another.
struct AcpiPlatform {
    unsigned vcpus = 1; // vCPU n has APIC id n
    bool high_window = false;
};

// All tables, as they lie from kAcpiArea on: RSDP (there itself), FACS, DSDT, FADT, MADT, MCFG,
// XSDT. Made at a guest's first boot; then they are state, as its hardware is.
acpi::Bytes acpi_tables(const AcpiPlatform& platform);

// INVALID where they are larger than the area.
Status write_acpi_tables(std::span<const std::uint8_t> tables, const GuestRam& ram);

} // namespace segue::vmm
