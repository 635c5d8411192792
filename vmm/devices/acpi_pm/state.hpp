// SPDX-License-Identifier: Apache-2.0
// state.hpp - saved state of the ACPI power management registers, revision 1.
#pragma once

#include <cstdint>

#include <segue/cpp/result.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::vmm {

// By their names in ACPI 6.5, section 4.8.3.
struct AcpiPmState {
    static constexpr std::uint32_t kRevision = 1;

    std::uint16_t pm1_status = 0;
    std::uint16_t pm1_enable = 0;
    std::uint16_t pm1_control =
        0;             // without SCI_EN, which is always set, and SLP_EN, which is an act
    bool line = false; // level of the SCI

    void write(state::Writer& section) const;
    static Result<AcpiPmState> read(const state::Section& section);
    bool operator==(const AcpiPmState&) const = default;
};

} // namespace segue::vmm
