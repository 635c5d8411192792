// SPDX-License-Identifier: Apache-2.0
// msix_state.hpp - the saved state of an MSI-X table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"

namespace segue::vmm::pci {

// Whether the function has MSI-X enabled and masked is in its configuration space.
struct MsixState {
    std::vector<std::byte> table;   // as the guest reads it, 16 bytes a vector
    std::vector<std::byte> pending; // one byte a vector: 1 where an interrupt waits

    void write(state::Writer& section) const;
    static Result<MsixState> read(const state::Section& section, std::size_t vectors);
    bool operator==(const MsixState&) const = default;
};

} // namespace segue::vmm::pci
