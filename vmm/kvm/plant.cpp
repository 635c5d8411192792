// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/plant.hpp"

#include <algorithm>
#include <cstring>

namespace segue::vmm {

namespace {

bool same(const Part& a, const Part& b) {
    return std::equal(a.bytes.begin(), a.bytes.end(), b.bytes.begin(), b.bytes.end());
}

void set_msr(VcpuState& s, std::uint32_t index, std::uint64_t value) {
    for (kvm_msr_entry& m : s.msrs)
        if (m.index == index)
            m.data = value;
}

// The ground on which single fields can be changed. Forward: long mode, an exception injected, the
// LAPIC timer waiting for a far deadline.
// Backward: PAE paging, whose page directory pointers are state, and an exception pending with its
// payload, and the LAPIC timer counting down once. Both: all of XSAVE in use.
void set_mode(VcpuState& s, Way way) {
    s.sregs.cr0 = 0x80010033; // PG, WP, NE, ET, MP, PE
    s.sregs.cr4 = 0x40620;    // OSXSAVE, OSXMMEXCPT, OSFXSR, PAE
    s.events.exception.nr = 14;
    s.events.interrupt.shadow = 3; // AMD has one bit for both kinds
    if (way == Way::Forward) {
        s.sregs.efer = 0xd01; // NXE, LMA, LME, SCE
        s.sregs.cs.l = 1;
        s.sregs.cs.db = 0;
        s.events.exception.injected = 1;
    } else {
        s.sregs.flags = KVM_SREGS2_FLAGS_PDPTRS_VALID;
        for (std::uint64_t i = 0; i < 4; ++i)
            s.sregs.pdptrs[i] = (i + 1) << 12 | 1;
        s.events.exception.pending = 1;
        s.events.exception_has_payload = 1;
    }
}

void set_apic(VcpuState& s, std::size_t reg, std::uint32_t value) {
    std::memcpy(s.lapic.regs + reg, &value, 4);
}

// Intel SDM volume 3, 11.5.4.
void set_timer(VcpuState& s, Way way) {
    set_apic(s, 0xf0, 0x1ff); // LAPIC on
    if (way == Way::Forward) {
        set_apic(s, 0x320, 0x400ef); // vector 0xef by TSC deadline
        set_msr(s, 0x6e0, 1ull << 62);
    } else {
        set_apic(s, 0x320, 0xef); // once
        set_apic(s, 0x3e0, 0xa);  // a tick in 128 ns: minutes
        set_apic(s, 0x380, 0xf0000000);
        set_apic(s, 0x390, 0xe0000000);
    }
}

void set_ground(VcpuState& s, std::uint64_t xcr0, Way way) {
    set_mode(s, way);
    s.xcrs.xcrs[0].value = xcr0;
    std::memcpy(s.xsave.data() + 512, &xcr0, 8);
    set_timer(s, way);
    // Paravirtual pages in the first 2 MiB of guest RAM.
    set_msr(s, 0x4b564d00, 0x5000);
    set_msr(s, 0x4b564d01, 0x6001);
    set_msr(s, 0x4b564d03, 0x7001);
    set_msr(s, 0x4b564d04, 0x8001);
    set_msr(s, 0x4b564d02, 0x9001);
}

class Planter {
public:
    Planter(BareMachine& scratch, const KvmState& fresh)
        : scratch_(scratch)
        , fresh_(fresh)
        , want_(fresh)
        , got_(fresh)
        , fresh_parts_(parts_of(fresh_))
        , want_parts_(parts_of(want_))
        , got_parts_(parts_of(got_))
        , planted_(fresh_parts_.size(), false) {}

    // Keeps the ground's values where KVM holds them.
    Status ground(std::uint64_t xcr0, Way way) {
        for (VcpuState& s : want_.vcpus)
            set_ground(s, xcr0, way);
        SEGUE_TRY(load_and_save());
        for (std::size_t i = 0; i < planted_.size(); ++i)
            planted_[i] =
                !same(want_parts_[i], fresh_parts_[i]) && same(want_parts_[i], got_parts_[i]);
        return {};
    }

    void try_part(std::size_t i) {
        if (planted_[i] || goes_on(want_parts_[i].name))
            return;
        const std::span<std::byte> bytes = want_parts_[i].bytes;
        const std::vector<std::byte> before(bytes.begin(), bytes.end());
        for (std::size_t n = 0; n < 2 + std::min<std::size_t>(bytes.size() * 8, 64); ++n) {
            std::copy(before.begin(), before.end(), bytes.begin());
            change(bytes, n);
            planted_[i] = true;
            if (!same(want_parts_[i], fresh_parts_[i]) && load_and_save().ok() && holds())
                return;
        }
        planted_[i] = false;
        std::copy(before.begin(), before.end(), bytes.begin());
    }

    std::size_t size() const { return planted_.size(); }
    Result<KvmState> result() {
        SEGUE_TRY(load_and_save());
        return got_;
    }

private:
    // Changes 0 and 1 alter every byte, the others one bit each.
    static void change(std::span<std::byte> bytes, std::size_t n) {
        for (std::size_t i = 0; i < bytes.size() && n < 2; ++i)
            bytes[i] ^= n == 0 ? static_cast<std::byte>(0x51 + i) : std::byte{0xff};
        if (n >= 2)
            bytes[(n - 2) / 8] ^= static_cast<std::byte>(1 << (n - 2) % 8);
    }
    // From a fresh state each time: some fields depend on what was there before.
    Status load_and_save() {
        SEGUE_TRY(load(scratch_.vm, scratch_.io, fresh_));
        SEGUE_TRY(load(scratch_.vm, scratch_.io, want_));
        return save(scratch_.vm, scratch_.io, got_);
    }
    bool holds() const {
        for (std::size_t i = 0; i < planted_.size(); ++i)
            if (planted_[i] && !same(want_parts_[i], got_parts_[i]))
                return false;
        return true;
    }

    BareMachine& scratch_;
    KvmState fresh_, want_, got_;
    std::vector<Part> fresh_parts_, want_parts_, got_parts_;
    std::vector<bool> planted_;
};

} // namespace

Result<KvmState> plant(BareMachine& scratch, const KvmState& fresh, std::uint64_t xcr0, Way way) {
    Planter p(scratch, fresh);
    SEGUE_TRY(p.ground(xcr0, way));
    for (std::size_t i = 0; i < p.size(); ++i)
        p.try_part(way == Way::Forward ? i : p.size() - 1 - i);
    return p.result();
}

} // namespace segue::vmm
