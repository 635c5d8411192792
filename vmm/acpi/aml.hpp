// SPDX-License-Identifier: Apache-2.0
// aml.hpp - the terms of ACPI machine language that a DSDT of devices and names needs; each gives
// its bytes. Source: ACPI 6.5, section 20.2.
#pragma once

#include <string_view>

#include "vmm/acpi/bytes.hpp"

namespace segue::vmm::acpi {

Bytes integer(std::uint64_t value); // the shortest form
Bytes text(std::string_view value);
// "PNP0A08", as the number that stands for it.
Bytes eisa_id(std::string_view id);
Bytes package(const std::vector<Bytes>& elements); // at most 255
Bytes buffer(const Bytes& content);

// `path`: "_HID", "\\_S5", "\\_SB": one segment of up to four letters.
Bytes name(std::string_view path, const Bytes& value);
Bytes scope(std::string_view path, const Bytes& terms);
Bytes device(std::string_view path, const Bytes& terms);

} // namespace segue::vmm::acpi
