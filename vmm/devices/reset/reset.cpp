// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/reset/reset.hpp"

#include <algorithm>

namespace segue::vmm {

namespace {

void ask(GuestEvents& events) {
    GuestEvent event;
    event.kind = GuestEvent::Kind::Reset;
    events.guest_event(event);
}

} // namespace

void KeyboardReset::read(std::uint16_t, std::span<std::byte> data) {
    std::fill(data.begin(), data.end(), std::byte{0});
}

void KeyboardReset::write(std::uint16_t, std::span<const std::byte> data) {
    if (data[0] == std::byte{0xfe})
        ask(events_);
}

void ResetControl::read(std::uint16_t, std::span<std::byte> data) {
    std::fill(data.begin(), data.end(), std::byte{0});
}

void ResetControl::write(std::uint16_t, std::span<const std::byte> data) {
    if ((data[0] & std::byte{4}) != std::byte{0})
        ask(events_);
}

} // namespace segue::vmm
