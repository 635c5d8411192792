// SPDX-License-Identifier: Apache-2.0
// wire.hpp - what the new side says on channel "request", index 0. On index 1 the old side answers
// with the pages.
#pragma once

#include <array>
#include <cstdint>

#include <segue/abi/update.h>

namespace postcopy {

enum class Say : std::uint32_t {
    Want = 1, // somebody waits for these pages
    Here = 2, // these have come
    All = 3,  // nothing is missing any more; the last
};

// One of at most kWords in a message, as it is on the wire.
struct Word {
    Say say;
    std::uint32_t block;
    std::uint64_t first, n;
};
static_assert(sizeof(Word) == 24, "part of the wire format");
inline constexpr std::size_t kWords = 64;

// Before that, on "main": how many pages are to come after the commit, and, unless there are none,
// for each block a bit a page, so many words a message.
inline constexpr std::uint64_t kBitmapWords = 16384; // of 1 M pages

} // namespace postcopy
