// SPDX-License-Identifier: Apache-2.0
// split_ring.hpp - virtio 1.2, 2.7.
#pragma once

#include "vmm/virtio/ring.hpp"

namespace segue::vmm::virtio {

class SplitRing final : public Ring {
public:
    SplitRing(const Memory& memory, const RingPlace& place, const RingFeatures& features,
              RingPosition position)
        : memory_(memory)
        , place_(place)
        , features_(features)
        , at_(position) {}

    Result<bool> pop(Chain& chain) override;
    void push(const Chain& chain, std::uint32_t written) override;
    void push(std::span<const Filled> filled) override;
    void untake(const Chain& chain) override;
    bool wants_interrupt() override;
    bool listen(bool on) override;
    RingPosition position() const override { return at_; }
    unsigned waiting() const override;

private:
    // Adds the chain that begins at `index` of a table of `entries` descriptors.
    Status walk(std::uint64_t table, std::uint32_t entries, std::uint32_t index, bool indirect,
                Chain& chain);

    void fill(std::uint16_t place, const Chain& chain, std::uint32_t written);
    void show(std::size_t chains);

    const Memory memory_;
    const RingPlace place_;
    const RingFeatures features_;
    RingPosition at_;
    std::uint16_t pushed_ = 0; // since wants_interrupt()
};

} // namespace segue::vmm::virtio
