// SPDX-License-Identifier: Apache-2.0
// state.hpp - the real-time clock's saved state, revision 1.
#pragma once

#include <array>
#include <cstdint>

#include <segue/cpp/result.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::vmm {

struct RtcState {
    static constexpr std::uint32_t kRevision = 1;
    static constexpr std::size_t kBytes = 128;
    static constexpr std::int64_t kMaxOffset = 1ll << 40; // seconds

    std::uint8_t index = 0; // of the byte at the data port
    // Alarms, registers A to C, NVRAM; the time's own bytes only while the guest has stopped it.
    std::array<std::uint8_t, kBytes> cmos = {};
    std::int64_t offset = 0; // guest's time less the host's, seconds
    std::int64_t seen = 0;   // the host's second up to which flags are set
    bool line = false;       // level of the interrupt wire

    void write(state::Writer& section) const;
    static Result<RtcState> read(const state::Section& section);
    bool operator==(const RtcState&) const = default;
};

} // namespace segue::vmm
