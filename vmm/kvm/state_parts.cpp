// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/state_parts.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <iterator>

#include <cstdio>

namespace segue::vmm {

namespace {

std::string hex(std::size_t n) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%zx", n);
    return text;
}

// Names the fields of one structure, then what they leave over.
class Cover {
public:
    Cover(std::vector<Part>& out, std::string name, std::span<std::byte> whole)
        : out_(out)
        , name_(std::move(name))
        , whole_(whole)
        , seen_(whole.size()) {}
    Cover(const Cover&) = delete;
    Cover& operator=(const Cover&) = delete;
    ~Cover() {
        for (std::size_t at = 0; at < whole_.size();) {
            std::size_t end = at;
            while (end < whole_.size() && !seen_[end])
                ++end;
            if (end > at)
                out_.push_back({name_ + "+" + hex(at), whole_.subspan(at, end - at)});
            at = end + 1;
        }
    }

    Cover& at(const std::string& field, std::size_t offset, std::size_t bytes) {
        std::fill_n(seen_.begin() + static_cast<std::ptrdiff_t>(offset), bytes, true);
        out_.push_back({name_ + "." + field, whole_.subspan(offset, bytes)});
        return *this;
    }
    template <class T>
    Cover& field(const std::string& name, T& value) {
        const auto* p = reinterpret_cast<std::byte*>(&value);
        return at(name, static_cast<std::size_t>(p - whole_.data()), sizeof value);
    }

private:
    std::vector<Part>& out_;
    std::string name_;
    std::span<std::byte> whole_;
    std::vector<bool> seen_;
};

template <class T>
std::span<std::byte> bytes_of(T& value) {
    return std::as_writable_bytes(std::span(&value, 1));
}

void add_regs(std::vector<Part>& out, const std::string& vcpu, kvm_regs& r) {
    const char* const names[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp", "r8",
                                 "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags"};
    Cover c(out, vcpu + ".regs", bytes_of(r));
    for (std::size_t i = 0; i < std::size(names); ++i)
        c.at(names[i], i * 8, 8);
}

void add_segment(Cover& c, const std::string& n, kvm_segment& s) {
    c.field(n + ".base", s.base).field(n + ".limit", s.limit).field(n + ".selector", s.selector);
    c.field(n + ".type", s.type).field(n + ".present", s.present).field(n + ".dpl", s.dpl);
    c.field(n + ".db", s.db).field(n + ".s", s.s).field(n + ".l", s.l).field(n + ".g", s.g);
    c.field(n + ".avl", s.avl).field(n + ".unusable", s.unusable);
}

void add_sregs(std::vector<Part>& out, const std::string& vcpu, kvm_sregs2& s) {
    Cover c(out, vcpu + ".sregs", bytes_of(s));
    // The modes first: what the rest may hold depends on them.
    c.field("efer", s.efer).field("cr0", s.cr0).field("cr4", s.cr4).field("cr3", s.cr3);
    add_segment(c, "cs", s.cs);
    add_segment(c, "ds", s.ds);
    add_segment(c, "es", s.es);
    add_segment(c, "fs", s.fs);
    add_segment(c, "gs", s.gs);
    add_segment(c, "ss", s.ss);
    add_segment(c, "tr", s.tr);
    add_segment(c, "ldt", s.ldt);
    c.field("gdt.base", s.gdt.base).field("gdt.limit", s.gdt.limit);
    c.field("idt.base", s.idt.base).field("idt.limit", s.idt.limit);
    c.field("cr2", s.cr2).field("cr8", s.cr8).field("apic_base", s.apic_base);
    c.field("flags", s.flags);
    for (std::size_t i = 0; i < 4; ++i)
        c.field("pdptr" + std::to_string(i), s.pdptrs[i]);
}

// Intel SDM volume 1, 13.4 and 13.5; the offsets of components past YMM differ among vendors, so
// they are named by place.
void add_xsave(std::vector<Part>& out, const std::string& vcpu, std::vector<std::byte>& xsave) {
    Cover c(out, vcpu + ".xsave", xsave);
    c.at("xstate_bv", 512, 8).at("xcomp_bv", 520, 8);
    c.at("fcw", 0, 2).at("fsw", 2, 2).at("ftw", 4, 1).at("fop", 6, 2);
    c.at("rip", 8, 8).at("rdp", 16, 8).at("mxcsr", 24, 4).at("mxcsr_mask", 28, 4);
    for (std::size_t i = 0; i < 8; ++i)
        c.at("st" + std::to_string(i), 32 + 16 * i, 10);
    for (std::size_t i = 0; i < 16; ++i)
        c.at("xmm" + std::to_string(i), 160 + 16 * i, 16);
    for (std::size_t i = 0; i < 16; ++i)
        c.at("ymm" + std::to_string(i), 576 + 16 * i, 16);
    for (std::size_t at = 832; at < xsave.size(); at += 64)
        c.at("at" + hex(at), at, 64);
}

void add_lapic(std::vector<Part>& out, const std::string& vcpu, kvm_lapic_state& lapic) {
    Cover c(out, vcpu + ".lapic", bytes_of(lapic));
    for (std::size_t reg = 0; reg < KVM_APIC_REG_SIZE; reg += 16)
        c.at(hex(reg), reg, 4);
}

void add_events(std::vector<Part>& out, const std::string& vcpu, kvm_vcpu_events& e) {
    Cover c(out, vcpu + ".events", bytes_of(e));
    c.field("flags", e.flags).field("exception.injected", e.exception.injected);
    c.field("exception.pending", e.exception.pending).field("exception.nr", e.exception.nr);
    c.field("exception.has_error_code", e.exception.has_error_code);
    c.field("exception.error_code", e.exception.error_code);
    c.field("exception.has_payload", e.exception_has_payload);
    c.field("exception.payload", e.exception_payload);
    c.field("interrupt.injected", e.interrupt.injected).field("interrupt.nr", e.interrupt.nr);
    c.field("interrupt.soft", e.interrupt.soft).field("interrupt.shadow", e.interrupt.shadow);
    c.field("nmi.injected", e.nmi.injected).field("nmi.pending", e.nmi.pending);
    c.field("nmi.masked", e.nmi.masked).field("sipi_vector", e.sipi_vector);
    c.field("smi.smm", e.smi.smm).field("smi.pending", e.smi.pending);
    c.field("smi.smm_inside_nmi", e.smi.smm_inside_nmi);
    c.field("smi.latched_init", e.smi.latched_init);
    c.field("triple_fault.pending", e.triple_fault.pending);
}

void add_vcpu(std::vector<Part>& out, const std::string& v, VcpuState& s) {
    for (kvm_msr_entry& m : s.msrs)
        out.push_back({v + ".msr." + hex(m.index), bytes_of(m.data)});
    out.push_back({v + ".mp_state", bytes_of(s.mp.mp_state)});
    add_sregs(out, v, s.sregs);
    add_regs(out, v, s.regs);
    Cover(out, v + ".xcrs", bytes_of(s.xcrs))
        .field("nr", s.xcrs.nr_xcrs)
        .field("flags", s.xcrs.flags)
        .field("xcr0.index", s.xcrs.xcrs[0].xcr)
        .field("xcr0", s.xcrs.xcrs[0].value);
    add_xsave(out, v, s.xsave);
    if (!s.nested.empty())
        out.push_back({v + ".nested", s.nested});
    Cover(out, v + ".debug", bytes_of(s.debug))
        .field("dr0", s.debug.db[0])
        .field("dr1", s.debug.db[1])
        .field("dr2", s.debug.db[2])
        .field("dr3", s.debug.db[3])
        .field("dr6", s.debug.dr6)
        .field("dr7", s.debug.dr7)
        .field("flags", s.debug.flags);
    add_lapic(out, v, s.lapic);
    add_events(out, v, s.events);
    out.push_back({v + ".tsc_offset", bytes_of(s.tsc_offset)});
    out.push_back({v + ".tsc_khz", bytes_of(s.tsc_khz)});
}

void add_pit(std::vector<Part>& out, kvm_pit_state2& pit) {
    Cover c(out, "vm.pit", bytes_of(pit));
    for (unsigned i = 0; i < 3; ++i) {
        kvm_pit_channel_state& s = pit.channels[i];
        const std::string n = "ch" + std::to_string(i) + ".";
        c.field(n + "count", s.count).field(n + "latched_count", s.latched_count);
        c.field(n + "count_latched", s.count_latched).field(n + "status", s.status);
        c.field(n + "status_latched", s.status_latched).field(n + "read_state", s.read_state);
        c.field(n + "write_state", s.write_state).field(n + "write_latch", s.write_latch);
        c.field(n + "rw_mode", s.rw_mode).field(n + "mode", s.mode).field(n + "bcd", s.bcd);
        c.field(n + "gate", s.gate).field(n + "count_load_time", s.count_load_time);
    }
    c.field("flags", pit.flags);
}

void add_pic(std::vector<Part>& out, const std::string& name, kvm_irqchip& chip) {
    const char* const names[] = {"last_irr",     "irr",      "imr",      "isr",
                                 "priority_add", "irq_base", "read_reg", "poll",
                                 "special_mask", "init",     "auto_eoi", "rotate",
                                 "fully_nested", "init4",    "elcr",     "elcr_mask"};
    Cover c(out, name, bytes_of(chip.chip.pic));
    for (std::size_t i = 0; i < std::size(names); ++i)
        c.at(names[i], i, 1);
}

void add_ioapic(std::vector<Part>& out, kvm_irqchip& chip) {
    kvm_ioapic_state& s = chip.chip.ioapic;
    Cover c(out, "vm.ioapic", bytes_of(s));
    c.field("base_address", s.base_address).field("ioregsel", s.ioregsel).field("id", s.id);
    c.field("irr", s.irr);
    for (std::size_t i = 0; i < KVM_IOAPIC_NUM_PINS; ++i)
        c.field("redirect" + std::to_string(i), s.redirtbl[i].bits);
}

} // namespace

std::vector<Part> parts_of(KvmState& state) {
    std::vector<Part> out;
    for (std::size_t i = 0; i < state.vcpus.size(); ++i)
        add_vcpu(out, "vcpu" + std::to_string(i), state.vcpus[i]);
    add_ioapic(out, state.vm.ioapic);
    add_pic(out, "vm.pic_master", state.vm.pic_master);
    add_pic(out, "vm.pic_slave", state.vm.pic_slave);
    add_pit(out, state.vm.pit);
    Cover(out, "vm.clock", bytes_of(state.vm.clock)).field("clock", state.vm.clock.clock);
    return out;
}

namespace {

struct GoesOn {
    const char* pattern;
    const char* reason;
};
constexpr GoesOn kGoOn[] = {
    {"vm.clock*", "guest time; checked against the host's clock"},
    {"vm.pit.ch?.count_load_time", "KVM_SET_PIT2 loads the counters anew, at its own time"},
    {"vcpu*.lapic.0x390", "current count of a running LAPIC timer; checked to fall"},
};

} // namespace

bool goes_on(const std::string& part) {
    return std::any_of(std::begin(kGoOn), std::end(kGoOn),
                       [&](const GoesOn& g) { return ::fnmatch(g.pattern, part.c_str(), 0) == 0; });
}

bool may_fire(const std::string& part) {
    constexpr const char* patterns[] = {"vcpu*.lapic.0x2[0-7]0", "vm.pic_*.irr",
                                        "vm.pic_*.last_irr", "vm.ioapic.irr", "vcpu*.mp_state"};
    return std::any_of(std::begin(patterns), std::end(patterns),
                       [&](const char* p) { return ::fnmatch(p, part.c_str(), 0) == 0; });
}

} // namespace segue::vmm
