// SPDX-License-Identifier: Apache-2.0
// state.hpp - the serial port's saved state, revision 1.
#pragma once

#include <array>
#include <cstdint>

#include <segue/cpp/result.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::vmm {

// Registers by their names in the data sheet (National Semiconductor PC16550D, section 8).
struct SerialState {
    static constexpr std::uint32_t kRevision = 1;
    static constexpr std::size_t kFifo = 16;

    std::uint8_t ier = 0;
    std::uint8_t fcr = 0; // bit 0 and the trigger level
    std::uint8_t lcr = 0;
    std::uint8_t mcr = 0;
    std::uint8_t lsr = 0; // only the overrun bit; the others follow from the rest
    std::uint8_t scr = 0;
    std::uint8_t dll = 12; // 9600 baud
    std::uint8_t dlm = 0;
    bool thr_interrupt = false;                    // transmitter empty, not yet acknowledged
    bool line = false;                             // level of the interrupt wire
    std::array<std::uint8_t, kFifo> received = {}; // oldest first
    std::uint8_t received_count = 0;

    void write(state::Writer& section) const;
    static Result<SerialState> read(const state::Section& section);
    bool operator==(const SerialState&) const = default;
};

} // namespace segue::vmm
