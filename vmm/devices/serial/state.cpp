// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/serial/state.hpp"

#include <algorithm>

namespace segue::vmm {

namespace {

Status get(const state::Section& section, const char* key, std::uint8_t& to) {
    SEGUE_ASSIGN(const std::uint64_t value, section.number(key));
    if (value > 0xff)
        return Error(Code::Corrupt, std::string("serial: ") + key + " is not a byte");
    to = static_cast<std::uint8_t>(value);
    return {};
}

} // namespace

void SerialState::write(state::Writer& section) const {
    section.put("ier", ier);
    section.put("fcr", fcr);
    section.put("lcr", lcr);
    section.put("mcr", mcr);
    section.put("lsr", lsr);
    section.put("scr", scr);
    section.put("dll", dll);
    section.put("dlm", dlm);
    section.put_flag("thr_interrupt", thr_interrupt);
    section.put_flag("line", line);
    section.put_bytes("received", std::as_bytes(std::span(received)).first(received_count));
}

Result<SerialState> SerialState::read(const state::Section& section) {
    SerialState s;
    SEGUE_TRY(get(section, "ier", s.ier));
    SEGUE_TRY(get(section, "fcr", s.fcr));
    SEGUE_TRY(get(section, "lcr", s.lcr));
    SEGUE_TRY(get(section, "mcr", s.mcr));
    SEGUE_TRY(get(section, "lsr", s.lsr));
    SEGUE_TRY(get(section, "scr", s.scr));
    SEGUE_TRY(get(section, "dll", s.dll));
    SEGUE_TRY(get(section, "dlm", s.dlm));
    SEGUE_ASSIGN(s.thr_interrupt, section.flag("thr_interrupt"));
    SEGUE_ASSIGN(s.line, section.flag("line"));
    SEGUE_ASSIGN(const auto bytes, section.bytes("received"));
    if (bytes.size() > kFifo)
        return Error(Code::Corrupt, "serial: more than 16 received bytes");
    std::copy(bytes.begin(), bytes.end(), std::as_writable_bytes(std::span(s.received)).begin());
    s.received_count = static_cast<std::uint8_t>(bytes.size());
    return s;
}

} // namespace segue::vmm
