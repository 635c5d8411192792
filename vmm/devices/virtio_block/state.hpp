// SPDX-License-Identifier: Apache-2.0
// state.hpp - a virtio disk's saved state besides that of every virtio device, revision 1.
#pragma once

#include <cstdint>
#include <optional>

#include <segue/cpp/result.hpp>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"
#include "vmm/devices/virtio_block/disk.hpp"

namespace segue::vmm {

struct BlockState {
    static constexpr std::uint32_t kRevision = 1;

    std::uint64_t capacity = 0;       // bytes, as the guest knows it
    std::uint32_t block_bytes = 512;  // as the guest knows them to be best
    std::optional<DiskIdentity> disk; // when the state was saved, the guest standing still

    void write(state::Writer& section) const;
    static Result<BlockState> read(const state::Section& section);
    bool operator==(const BlockState&) const = default;
};

} // namespace segue::vmm
