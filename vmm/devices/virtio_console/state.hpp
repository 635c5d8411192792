// SPDX-License-Identifier: Apache-2.0
// state.hpp - a virtio console's saved state besides that of every virtio device, revision 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::vmm {

struct VirtioConsoleState {
    static constexpr std::uint32_t kRevision = 1;
    static constexpr std::size_t kInput = 4096;
    static constexpr std::size_t kOutput = 64 << 10;
    static constexpr std::size_t kMessages = 16;

    bool guest_open = false;            // somebody in the guest has the port open
    std::vector<std::byte> input;       // read from the host, the guest had no room yet
    std::vector<std::byte> output;      // of the guest, not written yet
    std::vector<std::uint8_t> messages; // VIRTIO_CONSOLE_* events that the guest is to be told

    void write(state::Writer& section) const;
    static Result<VirtioConsoleState> read(const state::Section& section);
    bool operator==(const VirtioConsoleState&) const = default;
};

} // namespace segue::vmm
