// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/acpi_pm/state.hpp"

namespace segue::vmm {

namespace {

Status get(const state::Section& section, const char* key, std::uint16_t& to) {
    SEGUE_ASSIGN(const std::uint64_t value, section.number(key));
    if (value > 0xffff)
        return Error(Code::Corrupt, std::string("acpi-pm: ") + key + " is not a 16-bit number");
    to = static_cast<std::uint16_t>(value);
    return {};
}

} // namespace

void AcpiPmState::write(state::Writer& section) const {
    section.put("pm1_status", pm1_status);
    section.put("pm1_enable", pm1_enable);
    section.put("pm1_control", pm1_control);
    section.put_flag("line", line);
}

Result<AcpiPmState> AcpiPmState::read(const state::Section& section) {
    AcpiPmState s;
    SEGUE_TRY(get(section, "pm1_status", s.pm1_status));
    SEGUE_TRY(get(section, "pm1_enable", s.pm1_enable));
    SEGUE_TRY(get(section, "pm1_control", s.pm1_control));
    SEGUE_ASSIGN(s.line, section.flag("line"));
    return s;
}

} // namespace segue::vmm
