// SPDX-License-Identifier: Apache-2.0
// bytes.hpp - little-endian numbers and text, one after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace segue::vmm::acpi {

using Bytes = std::vector<std::uint8_t>;

inline Bytes& put(Bytes& to, std::uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i)
        to.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    return to;
}

inline Bytes& put(Bytes& to, std::string_view text) {
    to.insert(to.end(), text.begin(), text.end());
    return to;
}

inline Bytes& put(Bytes& to, const Bytes& more) {
    to.insert(to.end(), more.begin(), more.end());
    return to;
}

inline Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts)
        put(all, part);
    return all;
}

// What makes the sum of all bytes 0.
inline std::uint8_t checksum(const std::uint8_t* first, std::size_t bytes) {
    unsigned sum = 0;
    for (std::size_t i = 0; i < bytes; ++i)
        sum += first[i];
    return static_cast<std::uint8_t>(-sum);
}

} // namespace segue::vmm::acpi
