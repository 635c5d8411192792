// SPDX-License-Identifier: Apache-2.0
// caps.hpp - the names of the capability bits of each kind, as manifests write them.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <segue/abi/keeper.h>
#include <segue/abi/memory.h>
#include <segue/abi/mode.h>
#include <segue/abi/transport.h>

namespace segue {

struct CapName {
    std::uint64_t bit;
    const char* name;
};

inline constexpr CapName transport_caps[] = {
    {SEGUE_TRANSPORT_STREAMING, "streaming"},
    {SEGUE_TRANSPORT_SEEKABLE, "seekable"},
    {SEGUE_TRANSPORT_PERSISTENT, "persistent"},
    {SEGUE_TRANSPORT_FDS, "fds"},
    {SEGUE_TRANSPORT_MULTI, "multi"},
    {SEGUE_TRANSPORT_ENCRYPTED, "encrypted"},
    {SEGUE_TRANSPORT_BIDIRECTIONAL, "bidirectional"},
};

inline constexpr CapName memory_caps[] = {
    {SEGUE_SURVIVES_EXEC, "exec"},         {SEGUE_SURVIVES_TRANSFER, "transfer"},
    {SEGUE_SURVIVES_RESTART, "restart"},   {SEGUE_SURVIVES_KERNEL, "kernel"},
    {SEGUE_MEMORY_USERFAULT, "userfault"},
};

inline constexpr CapName keeper_caps[] = {
    {SEGUE_KEEPER_EXEC, "exec"},
    {SEGUE_KEEPER_CRASH, "crash"},
    {SEGUE_KEEPER_SERVICE, "service"},
    {SEGUE_KEEPER_KERNEL, "kernel"},
};

// A mode has three sets; this makes one of them for its names.
constexpr std::uint64_t mode_cap_bits(std::uint32_t successors, std::uint32_t arbiters,
                                      std::uint32_t ram) {
    return std::uint64_t{successors} | std::uint64_t{arbiters} << 8 | std::uint64_t{ram} << 16;
}

inline constexpr CapName mode_caps[] = {
    {mode_cap_bits(SEGUE_SUCCESSOR_PEER, 0, 0), "successor-peer"},
    {mode_cap_bits(SEGUE_SUCCESSOR_SELF, 0, 0), "successor-self"},
    {mode_cap_bits(SEGUE_SUCCESSOR_LATER, 0, 0), "successor-later"},
    {mode_cap_bits(0, SEGUE_ARBITER_WORD, 0), "arbiter-word"},
    {mode_cap_bits(0, SEGUE_ARBITER_HANDSHAKE, 0), "arbiter-handshake"},
    {mode_cap_bits(0, 0, SEGUE_RAM_IN_PLACE), "ram-in-place"},
    {mode_cap_bits(0, 0, SEGUE_RAM_BEFORE), "ram-before"},
    {mode_cap_bits(0, 0, SEGUE_RAM_IN_PAUSE), "ram-in-pause"},
    {mode_cap_bits(0, 0, SEGUE_RAM_AFTER), "ram-after"},
};

// The names of the bits that are set, in the order of `names`, with a NULL at the end.
template <std::size_t N>
constexpr std::array<const char*, N + 1> cap_list(std::uint64_t bits, const CapName (&names)[N]) {
    std::array<const char*, N + 1> list{};
    std::size_t n = 0;
    for (const CapName& c : names)
        if ((bits & c.bit) != 0)
            list[n++] = c.name;
    return list;
}

} // namespace segue
