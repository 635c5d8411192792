// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/debug_exit/debug_exit.hpp"

#include <algorithm>
#include <cstring>

namespace segue::vmm {

void DebugExit::read(std::uint16_t, std::span<std::byte> data) {
    std::fill(data.begin(), data.end(), std::byte{0});
}

void DebugExit::write(std::uint16_t, std::span<const std::byte> data) {
    GuestEvent event;
    event.kind = GuestEvent::Kind::Shutdown;
    std::memcpy(&event.code, data.data(), std::min(data.size(), sizeof event.code));
    events_.guest_event(event);
}

} // namespace segue::vmm
