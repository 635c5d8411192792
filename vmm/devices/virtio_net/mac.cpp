// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_net/mac.hpp"

#include <cstdio>

#include "core/state/checksum.hpp"

namespace segue::vmm {

Result<Mac> parse_mac(const std::string& text) {
    Mac mac = {};
    int end = 0;
    const int fields = std::sscanf(text.c_str(), "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0],
                                   &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &end);
    if (fields != 6 || end != 17 || text.size() != 17 || !is_of_one_card(mac))
        return Error(Code::Invalid, "\"" + text + "\" is not the address of a network card")
            .way_out("write six bytes as 52:54:00:12:34:56, the first an even one");
    return mac;
}

std::string to_string(const Mac& mac) {
    char text[18];
    (void)std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                        mac[3], mac[4], mac[5]);
    return text;
}

Mac mac_of(const std::string& guest, const std::string& device) {
    const auto digest = state::digest(std::as_bytes(std::span(guest.c_str(), guest.size() + 1)),
                                      std::as_bytes(std::span(device)));
    Mac mac = {};
    for (std::size_t i = 0; i < mac.size(); ++i)
        mac[i] = static_cast<std::uint8_t>(digest[i]);
    mac[0] = static_cast<std::uint8_t>((mac[0] & 0xfc) | 2);
    return mac;
}

} // namespace segue::vmm
