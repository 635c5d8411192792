// SPDX-License-Identifier: Apache-2.0
#include "vmm/virtio/ring.hpp"

#include "vmm/virtio/packed_ring.hpp"
#include "vmm/virtio/split_ring.hpp"
#include "vmm/virtio/uapi.hpp"

namespace segue::vmm::virtio {

namespace {

constexpr std::uint32_t kMaxSize = 32768;
constexpr std::uint16_t kBothWraps = 0x8000;

struct Part {
    const char* name;
    std::uint64_t at, bytes, alignment;
};

Status check_part(const Memory& memory, const Part& part) {
    if (part.at % part.alignment != 0)
        return Error(Code::Invalid,
                     std::string("the driver's ring: the ") + part.name + " area is not aligned");
    if (!memory.contains(part.at, part.bytes))
        return Error(Code::Invalid,
                     std::string("the driver's ring: the ") + part.name + " area is not in RAM");
    return {};
}

// Sizes and alignments: 2.7 and 2.8.10.1; the split rings' with their event fields.
Status check_place(const Memory& memory, const RingPlace& p, bool packed) {
    const std::uint64_t n = p.size;
    if (n == 0 || n > kMaxSize || (!packed && (n & (n - 1)) != 0))
        return Error(Code::Invalid, "the driver's ring: size " + std::to_string(n) +
                                        (packed ? "" : ", not a power of two"));
    const Part split[] = {{"descriptor", p.descriptors, 16 * n, 16},
                          {"driver", p.driver, 6 + 2 * n, 2},
                          {"device", p.device, 6 + 8 * n, 4}};
    const Part together[] = {{"descriptor", p.descriptors, 16 * n, 16},
                             {"driver", p.driver, 4, 4},
                             {"device", p.device, 4, 4}};
    for (const Part& part : packed ? together : split)
        SEGUE_TRY(check_part(memory, part));
    return {};
}

bool is_inside(const RingPlace& place, RingPosition position) {
    return (position.next_avail & ~kBothWraps) < place.size &&
           (position.next_used & ~kBothWraps) < place.size;
}

} // namespace

RingPosition first_position(const RingFeatures& features) {
    return features.packed ? RingPosition{kBothWraps, kBothWraps} : RingPosition{};
}

Result<std::unique_ptr<Ring>> make_ring(const Memory& memory, const RingPlace& place,
                                        const RingFeatures& features, RingPosition position) {
    SEGUE_TRY(check_place(memory, place, features.packed));
    if (!features.packed)
        return std::unique_ptr<Ring>(new SplitRing(memory, place, features, position));
    if (!is_inside(place, position))
        return Error(Code::Invalid, "the driver's ring: a position outside it");
    return std::unique_ptr<Ring>(new PackedRing(memory, place, features, position));
}

} // namespace segue::vmm::virtio
