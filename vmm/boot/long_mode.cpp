// SPDX-License-Identifier: Apache-2.0
// The boot vCPU in long mode, as boot.rst, "64-bit Boot Protocol", wants it.
#include <cstring>

#include "vmm/boot/bzimage.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint16_t kCode = 0x10, kData = 0x18; // __BOOT_CS, __BOOT_DS
constexpr std::uint64_t kGdt[] = {0, 0, 0x00af9b000000ffff, 0x00cf93000000ffff};
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kLargePage = 2 << 20;
constexpr std::uint64_t kPresent = 3; // and writable
constexpr std::uint64_t kLarge = 0x80;
constexpr unsigned kGiBs = 4;

kvm_segment segment(std::uint16_t selector, std::uint8_t type) {
    kvm_segment s = {};
    s.limit = 0xffffffff;
    s.selector = selector;
    s.type = type;
    s.present = s.s = s.g = 1;
    s.l = selector == kCode ? 1 : 0;
    s.db = selector == kCode ? 0 : 1;
    return s;
}

void put(std::span<std::byte> area, std::uint64_t at, std::uint64_t value) {
    std::memcpy(area.data() + at, &value, sizeof value);
}

} // namespace

Status write_long_mode_tables(const GuestRam& ram) {
    SEGUE_ASSIGN(const auto gdt, ram.at(kBootGdt, sizeof kGdt));
    std::memcpy(gdt.data(), kGdt, sizeof kGdt);
    SEGUE_ASSIGN(const auto tables, ram.at(kPageTables, (2 + kGiBs) * kPage));
    std::memset(tables.data(), 0, tables.size());
    put(tables, 0, (kPageTables + kPage) | kPresent);
    for (std::uint64_t g = 0; g < kGiBs; ++g)
        put(tables, kPage + g * 8, (kPageTables + (2 + g) * kPage) | kPresent);
    for (std::uint64_t i = 0; i < kGiBs * 512; ++i)
        put(tables, 2 * kPage + i * 8, i * kLargePage | kLarge | kPresent);
    return {};
}

BootVcpu BzImage::vcpu(const kvm_sregs2& fresh) const {
    BootVcpu v;
    v.regs.rip = header_.pref_address + kEntry64;
    v.regs.rsi = kZeroPage;
    v.regs.rsp = kBootStackTop;
    v.regs.rflags = 2; // the bit that is always set
    kvm_sregs2& s = v.sregs;
    s = fresh;                 // APIC base stays
    s.cs = segment(kCode, 11); // execute, read, accessed
    s.ds = s.es = s.fs = s.gs = s.ss = segment(kData, 3);
    s.tr = segment(0, 11); // busy task state, which VT-x demands
    s.tr.limit = 0x67;
    s.tr.s = s.tr.db = s.tr.g = 0;
    s.gdt = {};
    s.gdt.base = kBootGdt;
    s.gdt.limit = sizeof kGdt - 1;
    s.idt = {};
    s.cr0 = 0x80000011; // PG, ET, PE
    s.cr2 = s.cr8 = 0;
    s.cr3 = kPageTables;
    s.cr4 = 0x20;   // PAE
    s.efer = 0x500; // LMA, LME
    return v;
}

} // namespace segue::vmm
