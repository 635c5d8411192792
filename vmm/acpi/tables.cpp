// SPDX-License-Identifier: Apache-2.0
#include "vmm/acpi/tables.hpp"

#include <algorithm>

#include "vmm/acpi/table.hpp"

namespace segue::vmm {

namespace {

constexpr std::size_t kRsdpBytes = 36;

// At the next multiple of 64, which the FACS needs; gives the address.
std::uint32_t append(acpi::Bytes& to, const acpi::Bytes& table) {
    constexpr std::size_t align = 64;
    to.resize((to.size() + align - 1) / align * align);
    const auto at = static_cast<std::uint32_t>(kAcpiArea + to.size());
    acpi::put(to, table);
    return at;
}

} // namespace

acpi::Bytes acpi_tables(const AcpiPlatform& platform) {
    acpi::Bytes all(kRsdpBytes);
    const std::uint32_t facs = append(all, acpi::facs());
    const std::uint32_t dsdt = append(all, acpi::dsdt(platform.high_window));
    const std::uint32_t fadt = append(all, acpi::fadt(facs, dsdt));
    const std::uint32_t madt = append(all, acpi::madt(platform.vcpus));
    const std::uint32_t mcfg = append(all, acpi::mcfg());
    const std::uint32_t xsdt = append(all, acpi::xsdt({fadt, madt, mcfg}));
    const acpi::Bytes rsdp = acpi::rsdp(xsdt);
    std::copy(rsdp.begin(), rsdp.end(), all.begin());
    return all;
}

Status write_acpi_tables(std::span<const std::uint8_t> tables, const GuestRam& ram) {
    if (tables.size() > kVideoHoleEnd - kAcpiArea)
        return Error(Code::Invalid, "ACPI tables: " + std::to_string(tables.size()) +
                                        " bytes, more than there is room for");
    SEGUE_ASSIGN(const auto to, ram.at(kAcpiArea, tables.size()));
    std::copy(tables.begin(), tables.end(), reinterpret_cast<std::uint8_t*>(to.data()));
    return {};
}

} // namespace segue::vmm
