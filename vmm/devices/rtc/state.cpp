// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/rtc/state.hpp"

namespace segue::vmm {

void RtcState::write(state::Writer& section) const {
    section.put("index", index);
    section.put_bytes("cmos", std::as_bytes(std::span(cmos)));
    section.put_signed("offset", offset);
    section.put_signed("seen", seen);
    section.put_flag("line", line);
}

Result<RtcState> RtcState::read(const state::Section& section) {
    RtcState s;
    SEGUE_ASSIGN(const std::uint64_t index, section.number("index"));
    if (index >= kBytes)
        return Error(Code::Corrupt, "rtc: the index is beyond the last byte");
    s.index = static_cast<std::uint8_t>(index);
    SEGUE_TRY(section.copy("cmos", std::as_writable_bytes(std::span(s.cmos))));
    SEGUE_ASSIGN(s.offset, section.signed_number("offset"));
    SEGUE_ASSIGN(s.seen, section.signed_number("seen"));
    if (s.offset > kMaxOffset || s.offset < -kMaxOffset || s.seen < 0 || s.seen > kMaxOffset)
        return Error(Code::Corrupt, "rtc: a time that no clock shows");
    SEGUE_ASSIGN(s.line, section.flag("line"));
    return s;
}

} // namespace segue::vmm
