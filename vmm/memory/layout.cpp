// SPDX-License-Identifier: Apache-2.0
#include "vmm/memory/layout.hpp"

#include <algorithm>

#include "core/base/units.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kMaxRam = 1ull << 45; // leaves room below 46 address bits

} // namespace

Result<std::vector<RamRegion>> lay_out(std::span<const std::uint64_t> bytes) {
    std::vector<RamRegion> regions;
    std::uint64_t next = 0;
    for (std::size_t block = 0; block < bytes.size(); ++block) {
        if (bytes[block] == 0 || bytes[block] % kPage != 0 || bytes[block] > kMaxRam - next)
            return Error(Code::Invalid, "guest RAM block " + std::to_string(block) + ": size " +
                                            std::to_string(bytes[block]) +
                                            " is not a whole number of pages up to 32 TiB");
        std::uint64_t offset = 0;
        while (offset < bytes[block]) {
            if (next == kLowRamEnd)
                next = kHighRamStart;
            std::uint64_t n = bytes[block] - offset;
            if (next < kLowRamEnd)
                n = std::min(n, kLowRamEnd - next);
            regions.push_back({next, n, block, offset});
            next += n;
            offset += n;
        }
    }
    if (regions.empty() || regions.front().bytes < (2ull << 20))
        return Error(Code::Invalid, "guest RAM: the first block is smaller than 2 MiB");
    return regions;
}

std::vector<MemoryMapEntry> memory_map(std::span<const RamRegion> regions) {
    std::vector<MemoryMapEntry> map;
    map.push_back({0, kVideoHole, true});
    map.push_back({kVideoHole, kVideoHoleEnd - kVideoHole, false});
    std::uint64_t start = kVideoHoleEnd;
    std::uint64_t end = kVideoHoleEnd;
    for (const RamRegion& region : regions) {
        if (region.guest > end) { // across the device hole
            map.push_back({start, end - start, true});
            map.push_back({kEcam, kEcamBytes, false});
            start = region.guest;
        }
        end = region.guest + region.bytes;
    }
    map.push_back({start, end - start, true});
    if (end <= kEcam)
        map.push_back({kEcam, kEcamBytes, false});
    return map;
}

Status check_reach(std::span<const RamRegion> regions, unsigned address_bits) {
    for (const RamRegion& r : regions)
        if (address_bits < 64 && r.guest + r.bytes > 1ull << address_bits)
            return Error(Code::Refused, "the guest's CPU has " + std::to_string(address_bits) +
                                            " address bits, too few for its RAM, which ends at " +
                                            format_size(r.guest + r.bytes))
                .way_out("give it less, or guest.cpu = \"host\" on a host with more address bits");
    return {};
}

bool has_high_window(std::span<const RamRegion> regions, unsigned address_bits) {
    constexpr std::uint64_t end = kPciHighWindow + kPciHighWindowBytes;
    return address_bits < 64 && end <= 1ull << address_bits &&
           std::all_of(regions.begin(), regions.end(),
                       [](const RamRegion& r) { return r.guest + r.bytes <= kPciHighWindow; });
}

} // namespace segue::vmm
