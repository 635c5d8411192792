// SPDX-License-Identifier: Apache-2.0
// guest_ram.hpp - guest RAM by guest-physical address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <segue/cpp/result.hpp>

#include "vmm/memory/layout.hpp"
#include "vmm/memory/written_pages.hpp"

namespace segue::vmm {

// Where a region is mapped in this process.
struct HostRegion {
    RamRegion ram;
    std::byte* host = nullptr;
};

// A view of blocks that someone else owns and that outlive it. [any]
class GuestRam {
public:
    explicit GuestRam(std::vector<HostRegion> regions = {});

    // Where [guest, guest + 1) is here and how many bytes follow it in the same region; empty where
    // it is not RAM.
    std::span<std::byte> from(std::uint64_t guest) const noexcept;
    // The host's view of [guest, guest + bytes); INVALID where it is not all in one region.
    Result<std::span<std::byte>> at(std::uint64_t guest, std::uint64_t bytes) const;
    const std::vector<HostRegion>& regions() const { return regions_; }
    std::vector<RamRegion> layout() const;

    // To be said of what this process, or the host for it, has written, once it is written; `bytes`
    // from `host` on lie in one region. All of it but the loading of a kernel, while no vCPU runs.
    void wrote(const void* host, std::uint64_t bytes) const noexcept {
        if (written_->is_on())
            mark(host, bytes);
    }
    // By region.
    WrittenPages& written() const { return *written_; }

private:
    void mark(const void* host, std::uint64_t bytes) const noexcept;

    std::vector<HostRegion> regions_;
    std::shared_ptr<WrittenPages> written_;
};

} // namespace segue::vmm
