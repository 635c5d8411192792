// SPDX-License-Identifier: Apache-2.0
#include "core/state/checksum.hpp"

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace segue::state {

std::uint64_t checksum(std::span<const std::byte> first, std::span<const std::byte> second) {
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, first.data(), first.size());
    XXH3_64bits_update(&state, second.data(), second.size());
    return XXH3_64bits_digest(&state);
}

Digest digest(std::span<const std::byte> first, std::span<const std::byte> second) {
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    XXH3_128bits_update(&state, first.data(), first.size());
    XXH3_128bits_update(&state, second.data(), second.size());
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    Digest out;
    static_assert(sizeof out == sizeof canonical.digest);
    std::memcpy(out.data(), canonical.digest, out.size());
    return out;
}

} // namespace segue::state
