// SPDX-License-Identifier: Apache-2.0
// mac.hpp - a network card's address.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <segue/cpp/result.hpp>

namespace segue::vmm {

using Mac = std::array<std::uint8_t, 6>;

// "52:54:00:12:34:56", of one card only. INVALID else.
Result<Mac> parse_mac(const std::string& text);
std::string to_string(const Mac& mac);
// Always the same of the same names; locally administered (IEEE 802, section 8.2).
Mac mac_of(const std::string& guest, const std::string& device);

inline bool is_of_one_card(const Mac& mac) {
    return (mac[0] & 1) == 0 && mac != Mac{};
}

} // namespace segue::vmm
