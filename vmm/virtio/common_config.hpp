// SPDX-License-Identifier: Apache-2.0
// common_config.hpp - virtio 1.2, 4.1.4.3: the registers by which a driver sets a device up.
#pragma once

#include "vmm/virtio/core.hpp"

namespace segue::vmm::virtio {

// What the driver looks at; the rest is the core's.
struct Selected {
    std::uint32_t device_feature = 0;
    std::uint32_t driver_feature = 0;
    std::uint16_t queue = 0;

    void write(state::Writer& section) const;
    static Result<Selected> read(const state::Section& section);
    bool operator==(const Selected&) const = default;
};

// Fields are read and written at their own widths, those of 64 bits also by halves (4.1.3.1);
// anything else reads as zeros and writes nothing. Not thread-safe: one access at a time.
class CommonConfig {
public:
    // A vector from `vectors` on cannot be had: the driver reads VIRTIO_MSI_NO_VECTOR back.
    CommonConfig(Core& core, std::uint16_t vectors)
        : core_(core)
        , vectors_(vectors) {}

    void read(std::uint64_t at, std::span<std::byte> data) const;
    void write(std::uint64_t at, std::span<const std::byte> data);

    Selected selected() const { return s_; }
    void select(const Selected& selected) { s_ = selected; }

private:
    std::uint64_t value(std::uint64_t at, std::size_t bytes) const;
    std::uint64_t queue_value(std::uint64_t at) const;
    void set(std::uint64_t at, std::size_t bytes, std::uint64_t value);
    void set_queue(std::uint64_t at, std::size_t bytes, std::uint64_t value);
    std::uint16_t vector(std::uint64_t value) const;

    Core& core_;
    const std::uint16_t vectors_;
    Selected s_;
};

} // namespace segue::vmm::virtio
