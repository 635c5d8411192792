// SPDX-License-Identifier: Apache-2.0
// table.hpp - one system description table: header, body, checksum; and the single ones.
#pragma once

#include <string_view>

#include "vmm/acpi/bytes.hpp"

namespace segue::vmm::acpi {

// `signature`: four letters. Source of all that follows: ACPI 6.5, section 5.2.
Bytes table(std::string_view signature, std::uint8_t revision, const Bytes& body);

Bytes rsdp(std::uint64_t xsdt);
Bytes xsdt(const std::vector<std::uint64_t>& tables);
Bytes facs();
Bytes fadt(std::uint32_t facs, std::uint32_t dsdt);
Bytes madt(unsigned vcpus);
Bytes mcfg();
Bytes dsdt(bool high_window);
// Whether the DSDT among `tables` has S3; an older VMM's has not.
bool offers_suspend(const Bytes& tables);

} // namespace segue::vmm::acpi
