// SPDX-License-Identifier: Apache-2.0
// packed_ring.hpp - virtio 1.2, 2.8.
#pragma once

#include "vmm/virtio/ring.hpp"

namespace segue::vmm::virtio {

class PackedRing final : public Ring {
public:
    PackedRing(const Memory& memory, const RingPlace& place, const RingFeatures& features,
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
    bool available(std::uint16_t position) const;
    std::uint16_t advanced(std::uint16_t position, std::uint32_t places) const;
    void fill(std::uint16_t position, const Chain& chain, std::uint32_t written);
    void advance_used(const Chain& chain);
    Status add_table(std::uint64_t table, std::uint32_t bytes, Chain& chain);

    const Memory memory_;
    const RingPlace place_;
    const RingFeatures features_;
    RingPosition at_;
    std::uint16_t pushed_ = 0; // places, since wants_interrupt()
};

} // namespace segue::vmm::virtio
