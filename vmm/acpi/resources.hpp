// SPDX-License-Identifier: Apache-2.0
// resources.hpp - what a device uses, as descriptors for its _CRS. Source: ACPI 6.5, section 6.4.
#pragma once

#include "vmm/acpi/bytes.hpp"

namespace segue::vmm::acpi {

Bytes io_ports(std::uint16_t first, std::uint8_t count);
Bytes isa_irq(unsigned irq); // edge, active high, not shared
Bytes fixed_memory(std::uint32_t first, std::uint32_t bytes);
// What a bridge passes on to its bus.
Bytes bus_numbers(std::uint16_t first, std::uint16_t last);
Bytes memory_window(std::uint64_t first, std::uint64_t end);

// A resource template: the descriptors, closed and as a buffer.
Bytes resources(const std::vector<Bytes>& descriptors);

} // namespace segue::vmm::acpi
