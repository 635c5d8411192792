// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/waking.hpp"

#include <cstring>

namespace segue::vmm {

namespace {

constexpr std::size_t kFacsAlign = 64, kVectorAt = 12;
constexpr std::uint32_t kRealModeEnd = 0x100000;
constexpr std::uint64_t kExtensionType = 0x10, kCacheDisable = 1u << 30,
                        kNotWriteThrough = 1u << 29;

} // namespace

std::uint32_t waking_vector(std::span<const std::uint8_t> tables, const GuestRam& ram) {
    for (std::size_t at = 0; at + kFacsAlign <= tables.size(); at += kFacsAlign) {
        if (std::memcmp(&tables[at], "FACS", 4) != 0)
            continue;
        std::uint32_t vector = 0;
        const auto from = ram.at(kAcpiArea + at + kVectorAt, sizeof vector);
        if (from)
            std::memcpy(&vector, from->data(), sizeof vector);
        return vector < kRealModeEnd ? vector : 0;
    }
    return 0;
}

BootVcpu waking_vcpu(std::uint32_t vector, const kvm_sregs2& fresh) {
    BootVcpu v;
    v.regs.rip = vector & 0xf;
    v.regs.rflags = 2; // the bit that is always set
    v.sregs = fresh;
    v.sregs.cs.selector = static_cast<std::uint16_t>(vector >> 4);
    v.sregs.cs.base = vector & ~0xfu;
    v.sregs.cr0 = (fresh.cr0 | kExtensionType) & ~(kCacheDisable | kNotWriteThrough);
    return v;
}

} // namespace segue::vmm
