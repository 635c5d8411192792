// SPDX-License-Identifier: Apache-2.0
// All KVM state, field by field, moved from one VM to another.
#include <fnmatch.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "core/state/reader.hpp"
#include "vmm/kvm/codec.hpp"
#include "vmm/kvm/planted_test.hpp"

namespace segue::vmm {
namespace {

// Fields that KVM does not let a VMM change. `number`: the errno; 0: taken, but nothing changes;
// kRefused: refused without an errno (KVM_SET_MSRS counts, tsc_khz is compared by VcpuIo).
struct Fixed {
    const char* pattern;
    int number;
    const char* reason;
};
constexpr int kRefused = -1;
constexpr Fixed kFixed[] = {
    {"vcpu*.msr.0x3a", kRefused, "FEATURE_CONTROL: KVM on AMD has none"},
    {"vcpu*.msr.0x10a", kRefused, "ARCH_CAPABILITIES: what the host's CPU is"},
    {"vcpu*.msr.0x17b", kRefused, "MCG_CTL: MCG_CAP shows no such register"},
    {"vcpu*.msr.0x1d9", 0, "DEBUGCTL: this KVM emulates no branch tracing"},
    {"vcpu*.msr.0x1d[bcde]", kRefused, "last branch and interrupt records: read-only without LBR"},
    {"vcpu*.msr.0x345", kRefused, "PERF_CAPABILITIES: no PMU is shown"},
    {"vcpu*.msr.0xc001000[0-7]", 0, "EVNTSEL, PERFCTR: an emulated CPU has no counters"},
    {"vcpu*.nested", EINVAL, "no nested guest runs: bytes of another form than VMX's or SVM's"},
    {"vcpu*.msr.0xc0000104", kRefused, "TSC_RATIO: SVM is not shown"},
    {"vcpu*.msr.0xc0011029", kRefused, "DE_CFG: at most LFENCE's bit, where the host has it"},
    {"vcpu*.msr.0xc0010117", 0, "VM_HSAVE_PA: SVM is not shown"},
    {"vcpu*.msr.0xc001011f", 0, "VIRT_SPEC_CTRL: not shown"},
    {"vcpu*.sregs.flags", EINVAL, "PDPTRS_VALID: only with PAE paging; KVM-PVM has none"},
    {"vcpu*.sregs.pdptr?", 0, "only with PAE paging; KVM-PVM has none"},
    {"vcpu*.sregs.ss.db", 0, "KVM on AMD reports 0 for an unusable segment"},
    {"vcpu*.sregs+*", 0, "padding of GDT and IDT"},
    {"vcpu*.xcrs.nr", EINVAL, "one XCR exists"},
    {"vcpu*.xcrs.flags", EINVAL, "none is defined"},
    {"vcpu*.xcrs.xcr0.index", 0, "others than XCR0 are passed over"},
    {"vcpu*.xcrs+*", 0, "room for further XCRs, padding"},
    {"vcpu*.xsave.xcomp_bv", EINVAL, "the format is not the compacted one"},
    {"vcpu*.xsave.at0x*", 0, "past the CPU's last component"},
    {"vcpu*.xsave+0x1a0", 0, "for software (SDM volume 1, 10.5)"},
    {"vcpu*.xsave+0x210", EINVAL, "reserved part of the XSAVE header"},
    {"vcpu*.debug.flags", EINVAL, "none is defined"},
    {"vcpu*.debug+*", 0, "reserved"},
    {"vcpu*.lapic.0x30", 0, "version register: KVM's own"},
    {"vcpu*.events.flags", EINVAL, "says which fields are valid"},
    {"vcpu*.events.interrupt.soft", 0,
     "reported as 0: a soft interrupt is injected again by its instruction"},
    {"vcpu*.events.sipi_vector", 0, "reported as 0: reading MP_STATE has taken the SIPI"},
    {"vcpu*.events.smi.latched_init", 0, "only in system management mode"},
    {"vcpu*.events.smi.*", EINVAL, "this KVM has no system management mode"},
    {"vcpu*.events+*", 0, "padding, reserved"},
    {"vcpu*.tsc_offset", 0, "KVM-PVM cannot offset RDTSC: always 0"},
    {"vcpu*.tsc_khz", kRefused, "a misfit is refused before anything is written"},
    {"vm.pit+*", 0, "reserved"},
};

// Fields that are computed from others of the state, so that leaving them out changes nothing.
constexpr Fixed kDerived[] = {
    {"vcpu*.sregs.cr8", 0, "a second name of the LAPIC's TPR, which is written after it"},
    {"vcpu*.lapic.0xa0", 0, "PPR: computed from TPR and ISR (SDM volume 3, 11.8.3.1)"},
};

// The same on AMD, whose segments have fewer attributes than Intel's (svm_set_segment), and which
// asks for page directory pointers anew. Elsewhere they are state.
constexpr Fixed kDerivedOnAmd[] = {
    {"vcpu*.sregs.*.present", 0, "one bit with unusable"},
    {"vcpu*.sregs.*.unusable", 0, "one bit with present"},
    {"vcpu*.sregs.*.g", 0, "computed from the limit"},
    {"vcpu*.sregs.flags", 0, "the pointers that are there stay valid"},
    {"vcpu*.msr.0xc0010015", 0, "HWCR: Linux 6.1 takes McStatusWrEn, and no 0 after that"},
};

int outcome(const Status& s, bool changed) {
    if (s)
        return changed ? 1000 : 0; // 1000: no row has it
    return s.error().sys_errno() != 0 ? s.error().sys_errno() : kRefused;
}

bool listed(std::span<const Fixed> in, const std::string& part, int number) {
    return std::any_of(in.begin(), in.end(), [&](const Fixed& f) {
        return f.number == number && ::fnmatch(f.pattern, part.c_str(), 0) == 0;
    });
}

bool has_avx(const KvmState& s) {
    return (s.vcpus[0].xcrs.xcrs[0].value & 4) != 0; // SDM volume 1, 13.3
}

class KvmStateTest : public PlantedTest {
protected:
    // What comes of changing every bit of part `i` of `planted`.
    int change_all(BareMachine& m, const KvmState& planted, std::size_t i) {
        KvmState changed = planted, before = planted;
        const std::span<std::byte> bytes = parts_of(changed)[i].bytes;
        for (std::byte& b : bytes)
            b ^= std::byte{0xff};
        const Status s = load(m.vm, m.io, changed);
        KvmState after = state_of(m);
        const bool same_now = same(parts_of(after)[i], parts_of(before)[i]);
        must(load(m.vm, m.io, planted));
        return outcome(s, !same_now);
    }
    // Loads `fresh`, then `with_hole`, and reads back.
    static KvmState through(BareMachine& m, const KvmState& fresh, const KvmState& with_hole) {
        must(load(m.vm, m.io, fresh));
        must(load(m.vm, m.io, with_hole));
        return state_of(m);
    }
};

TEST_F(KvmStateTest, EveryFieldCanBeChangedOrIsListedWithItsErrno) {
    BareMachine m = machine();
    KvmState fresh = state_of(m);
    KvmState forward = planted(Way::Forward), backward = planted(Way::Backward);
    must(load(m.vm, m.io, forward));
    const auto f = parts_of(fresh), p = parts_of(forward), q = parts_of(backward);
    std::size_t planted_ones = 0;
    for (std::size_t i = 0; i < f.size(); ++i) {
        if (goes_on(f[i].name))
            continue;
        if (!same(f[i], p[i]) || !same(f[i], q[i])) {
            ++planted_ones;
            continue;
        }
        if (!has_avx(forward) && ::fnmatch("vcpu*.xsave.ymm*", f[i].name.c_str(), 0) == 0)
            continue;
        const int number = change_all(m, forward, i);
        EXPECT_TRUE(listed(kFixed, f[i].name, number)) << f[i].name << " holds; outcome " << number;
    }
    EXPECT_GT(planted_ones, f.size() / 2);
}

std::int64_t boottime_ns() {
    timespec t = {};
    ::clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

std::uint32_t timer_count(const VcpuState& s) {
    std::uint32_t count = 0;
    std::memcpy(&count, s.lapic.regs + 0x390, 4);
    return count;
}

class KvmMoveTest : public KvmStateTest, public testing::WithParamInterface<unsigned> {};

TEST_P(KvmMoveTest, AllStateArrivesThroughTheContainer) {
    BareMachine a = machine(GetParam()), b = machine(GetParam());
    for (BareMachine* m : {&a, &b})
        for (VcpuIo& io : m->io)
            must(io.rehearse());
    KvmState want = planted(GetParam());
    must(load(a.vm, a.io, want));
    const auto t0 = boottime_ns();
    KvmState saved = state_of(a);
    const auto t1 = boottime_ns();
    EXPECT_THAT(differing(want, saved), testing::IsEmpty());

    state::Writer writer(state::Header{});
    for (unsigned i = 0; i < GetParam(); ++i)
        encode(writer, i, saved.vcpus[i]);
    encode(writer, saved.vm);
    const auto reader = must(state::Reader::parse(writer.finish()));
    KvmState arrived = must(blank_state(b.vm, b.io));
    for (unsigned i = 0; i < GetParam(); ++i)
        must(decode(*must(reader.take("vcpu", std::to_string(i))), arrived.vcpus[i]));
    must(decode(*must(reader.take("vm")), arrived.vm));
    must(reader.all_taken());
    must(check_fit(b.vm, arrived.vm));

    must(load(b.vm, b.io, arrived));
    const auto t2 = boottime_ns();
    KvmState after = state_of(b);
    const auto t3 = boottime_ns();
    EXPECT_THAT(differing(saved, after), testing::IsEmpty());
    for (unsigned i = 1; i < GetParam(); i += 2) { // planted backward: their timers count down
        EXPECT_LE(timer_count(after.vcpus[i]), timer_count(saved.vcpus[i]));
        EXPECT_GT(timer_count(after.vcpus[i]), 0u);
    }
    // The clock went on for as long as the guest stood still; 1 ms for NTP's slewing.
    const auto on = static_cast<std::int64_t>(after.vm.clock.clock - saved.vm.clock.clock);
    EXPECT_GE(on, t2 - t1 - 1'000'000);
    EXPECT_LE(on, t3 - t0 + 1'000'000);
}

TEST_P(KvmMoveTest, LeavingAnyOneFieldOutIsNoticed) {
    const unsigned last = GetParam() - 1;
    BareMachine a = machine(GetParam()), b = machine(GetParam());
    KvmState fresh = state_of(b);
    must(load(a.vm, a.io, planted(GetParam())));
    KvmState saved = state_of(a), hole = saved;
    KvmState whole = through(b, fresh, saved);
    ASSERT_THAT(differing(saved, whole), testing::IsEmpty());
    const auto f = parts_of(fresh), s = parts_of(saved), h = parts_of(hole);
    const std::string of_last = "vcpu" + std::to_string(last) + ".";
    std::size_t holes = 0;
    for (std::size_t i = 0; i < s.size(); ++i) {
        const bool mine = s[i].name.rfind(of_last, 0) == 0 || s[i].name.rfind("vm.", 0) == 0;
        if (!mine || same(f[i], s[i]) || goes_on(s[i].name))
            continue;
        ++holes;
        std::copy(f[i].bytes.begin(), f[i].bytes.end(), h[i].bytes.begin());
        must(load(b.vm, b.io, fresh));
        if (load(b.vm, b.io, hole)) { // an error is noticed, too
            KvmState after = state_of(b);
            const auto differ = differing(saved, after);
            if (listed(kDerived, s[i].name, 0)) {
                EXPECT_THAT(differ, testing::IsEmpty()) << s[i].name;
            } else if (!differ.empty() || !listed(kDerivedOnAmd, s[i].name, 0)) {
                EXPECT_THAT(differ, testing::Contains(s[i].name));
            }
        }
        std::copy(s[i].bytes.begin(), s[i].bytes.end(), h[i].bytes.begin());
    }
    EXPECT_GT(holes, 400u);
    hole.vm.clock = fresh.vm.clock;
    KvmState after = through(b, fresh, hole);
    EXPECT_LT(after.vm.clock.clock, saved.vm.clock.clock);
}

INSTANTIATE_TEST_SUITE_P(Vcpus, KvmMoveTest, testing::Values(1u, 4u));

} // namespace
} // namespace segue::vmm
