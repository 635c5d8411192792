// SPDX-License-Identifier: Apache-2.0
// driver_ring.hpp - a driver's half of both kinds of ring, for tests.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "vmm/virtio/ring.hpp"
#include "vmm/virtio/test_ram.hpp"

namespace segue::vmm::virtio {

struct Buffer {
    std::uint64_t at = 0;
    std::uint32_t bytes = 0;
    bool writable = false;
};

struct Used {
    std::uint16_t token = 0;
    std::uint32_t written = 0;
    bool operator==(const Used&) const = default;
};

// Virtio 1.2, 2.7 and 2.8, as a driver. Buffers of one request take a descriptor each, or one in
// all that names a table at `tables`.
class DriverRing {
public:
    static constexpr std::size_t kTable = 32; // descriptors of one indirect table

    DriverRing(TestRam& ram, const RingPlace& place, const RingFeatures& features,
               std::uint64_t tables)
        : ram_(ram)
        , place_(place)
        , features_(features)
        , tables_(tables) {}
    virtual ~DriverRing() = default;

    // False: no room.
    virtual bool add(const std::vector<Buffer>& buffers, std::uint16_t token) = 0;
    // The next that came back.
    virtual std::optional<Used> take() = 0;
    // Whether the device wants to be told of what was added since the last time this was asked.
    virtual bool must_notify() = 0;
    // Asks for an interrupt with the next that comes back, or for none.
    virtual void ask(bool interrupts) = 0;

protected:
    // Descriptor table `number`; where it lies.
    template <class F>
    std::uint64_t table(std::size_t number, const std::vector<Buffer>& buffers, F one) {
        const std::uint64_t at = tables_ + 16 * kTable * number;
        for (std::size_t i = 0; i < buffers.size(); ++i)
            one(at + 16 * i, i);
        return at;
    }
    TestRam& ram_;
    const RingPlace place_;
    const RingFeatures features_;
    const std::uint64_t tables_;
};

std::unique_ptr<DriverRing> make_split_driver(TestRam& ram, const RingPlace& place,
                                              const RingFeatures& features, std::uint64_t tables);
std::unique_ptr<DriverRing> make_packed_driver(TestRam& ram, const RingPlace& place,
                                               const RingFeatures& features, std::uint64_t tables);
inline std::unique_ptr<DriverRing> make_driver(TestRam& ram, const RingPlace& place,
                                               const RingFeatures& features, std::uint64_t tables) {
    return features.packed ? make_packed_driver(ram, place, features, tables)
                           : make_split_driver(ram, place, features, tables);
}

} // namespace segue::vmm::virtio
