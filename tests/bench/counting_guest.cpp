// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/counting_guest.hpp"

#include <cstring>

namespace segue::bench {

namespace {

constexpr std::uint64_t kTables = 0x1000; // PML4, PDPT, PD: a page each
constexpr std::uint64_t kCode = 0x4000;
constexpr std::uint64_t kUserTable = 7;   // present, writable, user
constexpr std::uint64_t kUserPage = 0x87; // and 2 MiB

// inc %rax; mov %rax,(%rdi); jmp to the inc
constexpr unsigned char kCodeBytes[] = {0x48, 0xff, 0xc0, 0x48, 0x89, 0x07, 0xeb, 0xf8};

void put(std::span<std::byte> ram, std::uint64_t at, std::uint64_t value) {
    std::memcpy(ram.data() + at, &value, sizeof value);
}

kvm_segment flat(std::uint16_t selector, std::uint8_t type, bool code) {
    kvm_segment s = {};
    s.limit = 0xffffffff;
    s.selector = selector;
    s.type = type;
    s.present = 1;
    s.dpl = 3;
    s.s = 1;
    s.g = 1;
    s.l = code ? 1 : 0;
    s.db = code ? 0 : 1;
    return s;
}

} // namespace

void place_guest(std::span<std::byte> ram) {
    put(ram, kTables, (kTables + 0x1000) | kUserTable);
    put(ram, kTables + 0x1000, (kTables + 0x2000) | kUserTable);
    put(ram, kTables + 0x2000, kUserPage);
    std::memcpy(ram.data() + kCode, kCodeBytes, sizeof kCodeBytes);
}

// CPL 3, because some hosts' KVM emulates what runs at CPL 0.
void set_entry(vmm::VcpuState& state, unsigned vcpu) {
    kvm_sregs2& s = state.sregs;
    s.cr0 = 0x80010033; // PG, WP, NE, ET, MP, PE
    s.cr3 = kTables;
    s.cr4 = 0x20;   // PAE
    s.efer = 0x500; // LMA, LME
    s.cs = flat(0x33, 11, true);
    s.ss = s.ds = s.es = s.fs = s.gs = flat(0x2b, 3, false);
    state.regs = {};
    state.regs.rip = kCode;
    state.regs.rdi = counter_address(vcpu);
    state.regs.rflags = 2;
    state.mp.mp_state = KVM_MP_STATE_RUNNABLE;
}

} // namespace segue::bench
