// SPDX-License-Identifier: Apache-2.0
// What reading and writing KVM state promise besides the values.
#include "vmm/kvm/codec.hpp"
#include "vmm/kvm/cpu_features.hpp"
#include "vmm/kvm/cpuid.hpp"
#include "vmm/kvm/msr_owners.hpp"
#include "vmm/kvm/planted_test.hpp"

namespace segue::vmm {
namespace {

class KvmIoTest : public PlantedTest {};

TEST_F(KvmIoTest, OnlyTheParavirtualStepWritesGuestRam) {
    KvmState want = planted(Way::Forward);
    BareMachine m = machine();
    std::fill(ram_.span().begin(), ram_.span().end(), std::byte{0xa5});
    const auto untouched = [&] {
        return std::all_of(ram_.span().begin(), ram_.span().end(),
                           [](std::byte b) { return b == std::byte{0xa5}; });
    };
    must(m.io[0].rehearse());
    must(m.io[0].write(want.vcpus[0]));
    must(write_vm(m.vm, want.vm));
    EXPECT_TRUE(untouched());
    must(m.io[0].write_paravirtual(want.vcpus[0]));
    EXPECT_FALSE(untouched());
}

TEST_F(KvmIoTest, ARefusedMsrIsNamedUnlessItHoldsTheValue) {
    BareMachine m = machine();
    MsrBlock block(4);
    const std::vector<kvm_msr_entry> held = {{0x10a, 0, 0}, {0x174, 0, 0x1234}};
    kvm_msr_entry arch = {0x10a, 0, 0};
    must(read_msrs(*m.vcpus[0], block, {&arch, 1}));
    std::vector<kvm_msr_entry> write = held;
    write[0].data = arch.data;
    must(write_msrs(*m.vcpus[0], block, write));
    kvm_msr_entry sysenter = {0x174, 0, 0};
    must(read_msrs(*m.vcpus[0], block, {&sysenter, 1}));
    EXPECT_EQ(sysenter.data, 0x1234u);

    write = {{0x174, 0, 0x5678}, {0x7fffffff, 0, 1}};
    const Status s = write_msrs(*m.vcpus[0], block, write);
    ASSERT_FALSE(s);
    EXPECT_EQ(s.code(), Code::Refused);
    EXPECT_EQ(s.error().detail("msr"), "0x7fffffff");
    EXPECT_NE(s.error().what().find("0x7fffffff"), std::string::npos);
    EXPECT_FALSE(s.error().way_out().empty());
}

TEST_F(KvmIoTest, MsrsAreTheIndexListMtrrsAndBanksInTheOrderOfWriting) {
    BareMachine m = machine();
    const auto msrs = must(msrs_of(kvm_, *m.vcpus[0]));
    const auto has = [&](std::uint32_t i) {
        return std::find(msrs.begin(), msrs.end(), i) != msrs.end();
    };
    for (const std::uint32_t i : must(kvm_.msr_indices()))
        EXPECT_EQ(has(i), msr_step(i) != MsrStep::Never && msr_is_shown(m.vcpus[0]->cpuid(), i))
            << i;
    EXPECT_TRUE(has(0x2ff)); // MTRRdefType
    EXPECT_TRUE(has(0x401)); // MC0_STATUS
    EXPECT_FALSE(has(0x10)); // TSC: the offset is written instead
    EXPECT_TRUE(std::is_sorted(msrs.begin(), msrs.end(), [](std::uint32_t a, std::uint32_t b) {
        return msr_step(a) < msr_step(b);
    }));
    EXPECT_EQ(msrs.back(), 0x4b564d02u); // ASYNC_PF_EN wakes waiters: last of all
}

TEST(Msrs, OfAFeatureAreTheGuestsWhereItSeesThatFeature) {
    const struct {
        std::uint32_t index;
        const char* feature;
    } owned[] = {{0x48, "amd_ibrs"},     {0x10a, "arch_capabilities"},
                 {0x480, "vmx"},         {0xda0, "xsaves"},
                 {0xc0000103, "rdtscp"}, {0xc0000103, "rdpid"},
                 {0xc0010117, "svm"},    {0x6a2, "shstk"},
                 {0x345, "pdcm"},        {0x600, "dts"}};
    for (const auto& o : owned) {
        CpuidEntries cpu;
        EXPECT_FALSE(msr_is_shown(cpu, o.index)) << o.index;
        ASSERT_TRUE(add_feature(cpu, o.feature));
        EXPECT_TRUE(msr_is_shown(cpu, o.index)) << o.index;
        EXPECT_FALSE(msr_is_shown(cpu, 0x186)) << "no counters";
    }
    for (const std::uint32_t index : {0x10u, 0x174u, 0x277u, 0xc0000080u, 0x4b564d00u})
        EXPECT_TRUE(msr_is_shown({}, index)) << index;
    for (const std::uint32_t index : {0x40000001u, 0x40000020u, 0x40000118u})
        EXPECT_FALSE(msr_is_shown({}, index)) << "of Hyper-V: " << index;
    kvm_cpuid_entry2 monitoring = {};
    monitoring.function = 0xa;
    monitoring.eax = 2;
    EXPECT_TRUE(msr_is_shown({monitoring}, 0x186));
}

TEST_F(KvmIoTest, AnotherCapabilityIsNamed) {
    BareMachine m = machine();
    VmState state = must(blank_vm_state(m.vm));
    must(check_fit(m.vm, state));
    VmState other = state;
    other.capabilities.erase(other.capabilities.begin());
    EXPECT_EQ(check_fit(m.vm, other).error().detail("capability"), "EXCEPTION_PAYLOAD");
    other = state;
    other.capabilities.push_back({KVM_CAP_X86_DISABLE_EXITS, 1});
    EXPECT_EQ(check_fit(m.vm, other).code(), Code::Refused);
    other = state;
    other.capabilities[0].arg ^= 1;
    EXPECT_NE(check_fit(m.vm, other).error().what().find("another value"), std::string::npos);
}

TEST_F(KvmIoTest, AMisfittingStateIsRefusedByName) {
    BareMachine m = machine();
    KvmState state = state_of(m);
    state.vcpus[0].tsc_khz += 1;
    EXPECT_EQ(m.io[0].write(state.vcpus[0]).error().detail("part"), "TSC frequency in kHz");
    state = state_of(m);
    state.vcpus[0].xsave.resize(8192);
    EXPECT_EQ(m.io[0].write(state.vcpus[0]).error().detail("part"), "xsave length");
}

TEST(KvmClock, KvmAddsTheTimeUnlessTheWallClockWasStepped) {
    VmState s;
    s.clock.clock = 1000;
    s.clock.realtime = 77;
    s.clock.flags = KVM_CLOCK_REALTIME | KVM_CLOCK_TSC_STABLE;
    s.boottime_ns = 10'000'000'000;
    s.realtime_ns = 500'000'000'000;
    const std::int64_t passed = 3'000'000'000;
    kvm_clock_data c = advanced(s, s.boottime_ns + passed, s.realtime_ns + passed + 1000);
    EXPECT_EQ(c.clock, 1000u);
    EXPECT_EQ(c.realtime, 77u);
    EXPECT_EQ(c.flags, static_cast<unsigned>(KVM_CLOCK_REALTIME));
    for (const std::int64_t step : {-60'000'000'000, 60'000'000'000}) {
        c = advanced(s, s.boottime_ns + passed, s.realtime_ns + passed + step);
        EXPECT_EQ(c.clock, 3'000'001'000u);
        EXPECT_EQ(c.flags, 0u);
    }
    s.clock.flags = 0; // the host's KVM did not say
    c = advanced(s, s.boottime_ns + passed, s.realtime_ns + passed);
    EXPECT_EQ(c.clock, 3'000'001'000u);
}

void check_leaf(const kvm_cpuid_entry2& e, unsigned id, bool nesting) {
    switch (e.function) {
    case 1:
        EXPECT_EQ(e.ebx >> 24, id);
        EXPECT_EQ(e.ebx >> 16 & 0xff, 4u);
        EXPECT_TRUE(nesting || (e.ecx & 1u << 5) == 0) << "VMX";
        break;
    case 0xb:
    case 0x1f:
        EXPECT_EQ(e.edx, id);
        break;
    case 0x80000001:
        EXPECT_TRUE(nesting || (e.ecx & 1u << 2) == 0) << "SVM";
        break;
    case 0x8000001e:
        EXPECT_EQ(e.eax, id);
        break;
    default:
        EXPECT_FALSE(e.function > 0x40000001 && e.function < 0x40010000) << e.function;
    }
}

TEST_F(KvmIoTest, EveryVcpuIsACoreOfOnePackageWithoutWhatCannotBeCarried) {
    BareMachine m = machine();
    const CpuidEntries cpu = must(host_cpuid(kvm_, m.vm, true));
    const bool nesting = m.vm.check(KVM_CAP_NESTED_STATE) > 0;
    for (unsigned id = 0; id < 4; ++id)
        for (const kvm_cpuid_entry2& e : vcpu_cpuid(cpu, id, 4))
            check_leaf(e, id, nesting);
}

} // namespace
} // namespace segue::vmm
