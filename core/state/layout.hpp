// SPDX-License-Identifier: Apache-2.0
// layout.hpp - where each thing lies in a container. Little-endian, no padding, nothing aligned.
//
//   header   0 magic "SEGUEST1"   8 word   16 format   20 generation   24 attempt   28 zero
//           32 guest uuid        48 machine[32]        80 creator[32] 112 checksum of 0-7, 16-111
//   section  0 magic              4 revision            8 name[32]     40 instance[32]
//           72 payload length    80 checksum of 0-79 and the payload   88 payload
//   trailer  0 magic              4 sections            8 container's length
//           16 XXH3-128 of everything before it but the word
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <segue/cpp/result.hpp>

#include "core/base/utf8.hpp"
#include "core/state/field.hpp"
#include "core/state/header.hpp"

namespace segue::state::layout {

inline constexpr std::string_view kMagic = "SEGUEST1";
inline constexpr std::size_t kFormat = 16, kGeneration = 20, kAttempt = 24, kGuest = 32,
                             kMachine = 48, kCreator = 80, kHeaderChecksum = 112, kHeaderSize = 120;
inline constexpr std::size_t kAfterWord = kWordOffset + sizeof(std::uint64_t);

inline constexpr std::uint32_t kSectionMagic = 0x54434553; // "SECT"
inline constexpr std::size_t kRevision = 4, kName = 8, kInstance = 40, kLength = 72,
                             kSectionChecksum = 80, kPayload = 88;
inline constexpr std::size_t kMaxSections = 4096;

inline constexpr std::uint32_t kTrailerMagic = 0x53444e45; // "ENDS"
inline constexpr std::size_t kSections = 4, kTotal = 8, kDigest = 16, kTrailerSize = 32;

inline constexpr std::size_t kNameSize = 32; // with at least one zero byte

template <class T>
T load(std::span<const std::byte> from, std::size_t at) {
    T value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i)
        value |= static_cast<T>(static_cast<T>(from[at + i]) << (8 * i));
    return value;
}

template <class T>
void store(std::span<std::byte> to, std::size_t at, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i)
        to[at + i] = static_cast<std::byte>(value >> (8 * i));
}

// Longer text is cut at 31 bytes.
inline void store_name(std::span<std::byte> to, std::size_t at, std::string_view text) {
    const auto n = text.size() < kNameSize ? text.size() : kNameSize - 1;
    std::memset(&to[at], 0, kNameSize);
    std::memcpy(&to[at], text.data(), n);
}

inline Result<std::string_view> load_name(std::span<const std::byte> from, std::size_t at) {
    const std::string_view all = text_of(from.subspan(at, kNameSize));
    const auto n = all.find('\0');
    if (n == all.npos || all.find_first_not_of('\0', n) != all.npos || !is_utf8(all.substr(0, n)))
        return Error(Code::Corrupt, "a name is not UTF-8 of at most 31 bytes");
    return all.substr(0, n);
}

} // namespace segue::state::layout
