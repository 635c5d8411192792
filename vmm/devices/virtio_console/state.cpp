// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_console/state.hpp"

namespace segue::vmm {

namespace {

template <class T>
Status get(const state::Section& section, const char* key, std::size_t most, std::vector<T>& to) {
    SEGUE_ASSIGN(const auto bytes, section.bytes(key));
    if (bytes.size() > most)
        return Error(Code::Corrupt,
                     std::string("virtio-console: more ") + key + " than there is room for");
    to.clear();
    for (const std::byte b : bytes)
        to.push_back(static_cast<T>(b));
    return {};
}

} // namespace

void VirtioConsoleState::write(state::Writer& section) const {
    section.put_flag("guest_open", guest_open);
    section.put_bytes("input", input);
    section.put_bytes("output", output);
    section.put_bytes("messages", std::as_bytes(std::span(messages)));
}

Result<VirtioConsoleState> VirtioConsoleState::read(const state::Section& section) {
    VirtioConsoleState s;
    SEGUE_ASSIGN(s.guest_open, section.flag("guest_open"));
    SEGUE_TRY(get(section, "input", kInput, s.input));
    SEGUE_TRY(get(section, "output", kOutput, s.output));
    SEGUE_TRY(get(section, "messages", kMessages, s.messages));
    return s;
}

} // namespace segue::vmm
