// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot/pvh.hpp"

namespace segue::vmm {

namespace {

kvm_segment flat(std::uint16_t selector, std::uint8_t type) {
    kvm_segment s = {};
    s.limit = 0xffffffff;
    s.selector = selector;
    s.type = type;
    s.present = 1;
    s.db = 1;
    s.s = 1;
    s.g = 1;
    return s;
}

} // namespace

BootVcpu pvh_vcpu(std::uint32_t entry, const kvm_sregs2& fresh) {
    BootVcpu v;
    v.regs.rip = entry;
    v.regs.rbx = kStartInfo;
    v.regs.rflags = 2; // the bit that is always set
    kvm_sregs2& s = v.sregs;
    s = fresh;             // APIC base stays
    s.cs = flat(0x08, 11); // execute, read, accessed
    s.ds = s.es = s.fs = s.gs = s.ss = flat(0x10, 3);
    s.tr = flat(0x18, 11); // busy 32-bit task state, which VT-x demands
    s.tr.limit = 0x67;
    s.tr.s = s.tr.db = s.tr.g = 0;
    s.gdt = {};
    s.idt = {};
    s.cr0 = 0x11; // PE, ET
    s.cr2 = s.cr3 = s.cr4 = s.cr8 = 0;
    s.efer = 0;
    return v;
}

} // namespace segue::vmm
