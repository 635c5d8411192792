// SPDX-License-Identifier: Apache-2.0
// The baselines as tables, on hosts that are made up; and on this one, by KVM itself.
#include "vmm/kvm/cpu_baselines.hpp"

#include <cstring>

#include "core/base/list.hpp"
#include "core/config/guest_config.hpp"
#include "vmm/kvm/cpu_features.hpp"
#include "vmm/kvm/cpu_fit.hpp"
#include "vmm/kvm/cpuid.hpp"
#include "vmm/kvm/cpuid_entries.hpp"
#include "vmm/kvm/planted_test.hpp"

namespace segue::vmm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

kvm_cpuid_entry2 leaf(std::uint32_t function, std::uint32_t index, std::uint32_t eax,
                      std::uint32_t ebx, std::uint32_t ecx, std::uint32_t edx) {
    kvm_cpuid_entry2 e = {};
    e.function = function;
    e.index = index;
    e.eax = eax;
    e.ebx = ebx;
    e.ecx = ecx;
    e.edx = edx;
    return e;
}

// A host with every bit there is. AVX-512's state lies where AMD's CPUs have it, or where Intel's
// do.
CpuidEntries host_of(const char* vendor) {
    constexpr std::uint32_t all = 0xffffffff;
    std::uint32_t name[3];
    std::memcpy(name, vendor, sizeof name);
    const bool amd = std::string(vendor) == "AuthenticAMD";
    return {leaf(0, 0, 0x1f, name[0], name[2], name[1]),
            leaf(1, 0, 0x000a0f11, 0, all, all),
            leaf(6, 0, all, all, all, all),
            leaf(7, 0, 1, all, all, all),
            leaf(0xd, 0, all, 0x988, 0x988, all),
            leaf(0xd, 2, 256, 576, 0, 0),
            leaf(0xd, 5, 64, amd ? 832 : 1088, 0, 0),
            leaf(0xd, 6, 512, amd ? 896 : 1152, 0, 0),
            leaf(0xd, 7, 1024, amd ? 1408 : 1664, 0, 0),
            leaf(0xd, 9, 8, amd ? 2432 : 2688, 0, 0),
            leaf(0x40000000, 0, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d),
            leaf(0x40000001, 0, all, 0, 0, 0),
            leaf(0x80000001, 0, 0, 0, all, all),
            leaf(0x80000008, 0, 0x3030, all, 0, 0)};
}

CpuidEntries without(CpuidEntries host, std::uint32_t function, std::uint32_t kvm_cpuid_entry2::*in,
                     unsigned bit) {
    for (kvm_cpuid_entry2& leaf : host)
        if (leaf.function == function && leaf.index == 0)
            leaf.*in &= ~(1u << bit);
    return host;
}

class Baselines : public testing::TestWithParam<const char*> {
protected:
    CpuidEntries cpu(std::string_view name) const { return must(baseline_cpuid(name, host)); }
    const CpuidEntries host = host_of(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Vendors, Baselines, testing::Values("AuthenticAMD", "GenuineIntel"));

TEST_P(Baselines, EachAddsToTheOneBefore) {
    for (std::size_t i = 1; i < std::size(kBaselines); ++i) {
        const auto lower = cpu(kBaselines[i - 1]), higher = cpu(kBaselines[i]);
        EXPECT_THAT(lacking_features(lower, higher), IsEmpty()) << kBaselines[i];
        EXPECT_FALSE(lacking_features(higher, lower).empty()) << kBaselines[i];
    }
}

TEST_P(Baselines, AreTheLevelsOfThePsabi) {
    const auto adds = [&](int higher, int lower) {
        return lacking_features(cpu(kBaselines[higher]), cpu(kBaselines[lower]));
    };
    EXPECT_THAT(adds(1, 0),
                ElementsAre("pni", "ssse3", "cx16", "sse4_1", "sse4_2", "popcnt", "lahf_lm"));
    EXPECT_THAT(adds(2, 1), ElementsAre("fma", "movbe", "xsave", "avx", "f16c", "bmi1", "avx2",
                                        "bmi2", "x87_state", "sse_state", "avx_state", "abm"));
    EXPECT_THAT(adds(3, 2), ElementsAre("avx512f", "avx512dq", "avx512cd", "avx512bw", "avx512vl",
                                        "opmask_state", "zmm_hi256_state", "hi16_zmm_state"));
    for (const char* name : {"fpu", "cx8", "cmov", "mmx", "fxsr", "sse", "sse2", "syscall", "lm",
                             "nx", "x2apic", "tsc_deadline_timer", "kvm_clock"})
        EXPECT_TRUE(has_feature(cpu("x86-64-v1"), name)) << name;
}

TEST_P(Baselines, HaveNothingOfTheHostsBesides) {
    for (const std::string_view name : kBaselines)
        for (const char* feature : {"vmx", "svm", "aes", "constant_tsc", "spec_ctrl", "monitor",
                                    "arch_capabilities", "xsaves", "pdcm", "kvm_migration_control"})
            EXPECT_FALSE(has_feature(cpu(name), feature)) << feature;
    const auto best = cpu("x86-64-v4");
    EXPECT_EQ(find_leaf(best, 0xa), nullptr); // performance counters
}

TEST_P(Baselines, TheXsaveAreaIsAsLargeAsItsLastComponent) {
    const bool amd = is_amd(host);
    for (const auto& [name, bytes] : {std::pair{"x86-64-v1", 0},
                                      {"x86-64-v2", 0},
                                      {"x86-64-v3", 832},
                                      {"x86-64-v4", amd ? 2432 : 2688}}) {
        const auto it = cpu(name);
        EXPECT_EQ(find_leaf(it, 0xd)->ecx, static_cast<std::uint32_t>(bytes)) << name;
        EXPECT_EQ(find_leaf(it, 0xd)->ebx, static_cast<std::uint32_t>(bytes)) << name;
        EXPECT_EQ(find_leaf(it, 0xd, 9), nullptr); // PKRU
        EXPECT_EQ(find_leaf(it, 0xd, 5) != nullptr, std::string_view(name) == "x86-64-v4");
    }
}

TEST_P(Baselines, ALackIsNamedWithTheBestThatThereIs) {
    const auto no_avx2 = without(host, 7, &kvm_cpuid_entry2::ebx, 5);
    const auto refused = baseline_cpuid("x86-64-v3", no_avx2);
    ASSERT_EQ(refused.code(), Code::Refused);
    EXPECT_THAT(refused.error().what(), HasSubstr("has no avx2, which x86-64-v3 has"));
    EXPECT_THAT(refused.error().way_out(), HasSubstr("\"x86-64-v2\" is the best"));
    EXPECT_EQ(refused.error().detail("features"), "avx2");
    EXPECT_EQ(best_baseline(no_avx2), "x86-64-v2");
    EXPECT_EQ(best_baseline(host), "x86-64-v4");
    const auto no_cmov = without(host, 1, &kvm_cpuid_entry2::edx, 15);
    EXPECT_EQ(best_baseline(no_cmov), "");
    EXPECT_THAT(baseline_cpuid("x86-64-v1", no_cmov).error().way_out(), HasSubstr("\"host\""));
    EXPECT_EQ(baseline_cpuid("x86-64-v5", host).code(), Code::Invalid);
}

TEST_P(Baselines, AnotherHostIsFitOrSaysWhatItLacks) {
    const auto v3 = cpu("x86-64-v3");
    EXPECT_TRUE(fits_host(v3, host).ok());
    EXPECT_TRUE(fits_host(v3, without(host, 7, &kvm_cpuid_entry2::ebx, 16)).ok()); // AVX-512
    const Status s = fits_host(v3, without(host, 7, &kvm_cpuid_entry2::ebx, 8));
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_EQ(s.error().detail("features"), "bmi2");
    EXPECT_THAT(s.error().what(), HasSubstr("has bmi2"));
    EXPECT_FALSE(s.error().way_out().empty());
    CpuidEntries moved = host;
    find_leaf(moved, 0xd, 2)->ebx += 64;
    EXPECT_EQ(fits_host(v3, moved).error().detail("xsave_component"), "2");
    CpuidEntries narrow = host;
    find_leaf(narrow, 0x80000008)->eax = 0x3027; // 39
    EXPECT_EQ(fits_host(v3, narrow).error().detail("address_bits"), "40");
    EXPECT_EQ(address_bits(must(baseline_cpuid("x86-64-v3", narrow))), 39u);
    const auto other = host_of(is_amd(host) ? "GenuineIntel" : "AuthenticAMD");
    EXPECT_EQ(fits_host(v3, other).error().detail("vendor"), GetParam());
    CpuidEntries counting = host;
    counting.push_back(leaf(0xa, 0, 0x07300802, 0, 0, 0));
    EXPECT_TRUE(fits_host(host, counting).ok());
    EXPECT_EQ(fits_host(counting, host).error().detail("features"), "pmu");
}

TEST_P(Baselines, PagesMayMoveUnderAGuestOfNoGuests) {
    const CpuidEntries host = host_of(GetParam());
    ASSERT_TRUE(shows_nesting(host));
    const Status s = check_moving_pages(host);
    EXPECT_EQ(s.code(), is_amd(host) ? Code::Ok : Code::Refused);
    const auto no_vmx = without(host, 1, &kvm_cpuid_entry2::ecx, 5);
    EXPECT_TRUE(check_moving_pages(without(no_vmx, 0x80000001, &kvm_cpuid_entry2::ecx, 2)).ok());
}

TEST_P(Baselines, WhatTheTopologySaysFitsEveryHost) {
    CpuidEntries host_of_one = without(host, 1, &kvm_cpuid_entry2::edx, 28);   // HTT
    host_of_one = without(host_of_one, 0x80000001, &kvm_cpuid_entry2::ecx, 1); // CmpLegacy
    EXPECT_TRUE(fits_host(vcpu_cpuid(cpu("x86-64-v2"), 1, 4), host_of_one).ok());
}

TEST(CpuFeatures, AreNamedOrPlaced) {
    CpuidEntries cpu;
    EXPECT_TRUE(add_feature(cpu, "avx2"));
    EXPECT_FALSE(add_feature(cpu, "avx3"));
    EXPECT_FALSE(add_feature(cpu, "-"));
    EXPECT_FALSE(add_feature(cpu, ""));
    EXPECT_EQ(find_leaf(cpu, 7)->ebx, 1u << 5);
    cpu.push_back(leaf(0x80000008, 0, 0, 1u << 5, 0, 0));
    EXPECT_THAT(lacking_features(cpu, {}), ElementsAre("avx2", "bit 5 of leaf 0x80000008.0 EBX"));
}

// By the manuals, where a name that is missing in a list would move those behind it.
TEST(CpuFeatures, LieWhereTheManualsHaveThem) {
    const struct {
        const char* name;
        std::uint32_t function, index;
        std::uint32_t kvm_cpuid_entry2::*in;
        unsigned bit;
    } known[] = {
        {"sse2", 1, 0, &kvm_cpuid_entry2::edx, 26},
        {"hypervisor", 1, 0, &kvm_cpuid_entry2::ecx, 31},
        {"xsave", 1, 0, &kvm_cpuid_entry2::ecx, 26},
        {"arat", 6, 0, &kvm_cpuid_entry2::eax, 2},
        {"avx512vl", 7, 0, &kvm_cpuid_entry2::ebx, 31},
        {"rdpid", 7, 0, &kvm_cpuid_entry2::ecx, 22},
        {"pks", 7, 0, &kvm_cpuid_entry2::ecx, 31},
        {"spec_ctrl_ssbd", 7, 0, &kvm_cpuid_entry2::edx, 31},
        {"lam", 7, 1, &kvm_cpuid_entry2::eax, 26},
        {"prefetchiti", 7, 1, &kvm_cpuid_entry2::edx, 14},
        {"amx_data_state", 0xd, 0, &kvm_cpuid_entry2::eax, 18},
        {"xfd", 0xd, 1, &kvm_cpuid_entry2::eax, 4},
        {"kvm_clock_stable", 0x40000001, 0, &kvm_cpuid_entry2::eax, 24},
        {"lm", 0x80000001, 0, &kvm_cpuid_entry2::edx, 29},
        {"mwaitx", 0x80000001, 0, &kvm_cpuid_entry2::ecx, 29},
        {"constant_tsc", 0x80000007, 0, &kvm_cpuid_entry2::edx, 8},
        {"ibpb_ret", 0x80000008, 0, &kvm_cpuid_entry2::ebx, 30},
        {"vnmi", 0x8000000a, 0, &kvm_cpuid_entry2::edx, 25},
        {"autoibrs", 0x80000021, 0, &kvm_cpuid_entry2::eax, 8},
    };
    for (const auto& k : known) {
        CpuidEntries cpu;
        ASSERT_TRUE(add_feature(cpu, k.name)) << k.name;
        ASSERT_NE(find_leaf(cpu, k.function, k.index), nullptr) << k.name;
        EXPECT_EQ(find_leaf(cpu, k.function, k.index)->*k.in, 1u << k.bit) << k.name;
    }
}

TEST(CpuFeatures, TheBaselinesAreThoseThatTheConfigurationKnows) {
    std::string choices = "host";
    for (const std::string_view name : kBaselines)
        choices.append("|").append(name);
    for (const config::Key& key : config::guest_keys())
        if (std::string_view(key.path) == "guest.cpu") {
            EXPECT_EQ(key.rule.choices, choices);
        }
}

class KvmBaselinesTest : public PlantedTest {};

// Each is either refused by the name of what KVM does not list, or KVM takes it.
TEST_F(KvmBaselinesTest, KvmTakesWhatIsNotRefused) {
    BareMachine m = machine(1);
    const CpuidEntries host = must(host_cpuid(kvm_, m.vm, false));
    for (const std::string_view name : kBaselines) {
        const auto cpu = chosen_cpuid(kvm_, m.vm, {std::string(name), false});
        if (!cpu) {
            EXPECT_EQ(cpu.error().detail("features"), list_of(lacking_of_baseline(name, host)));
            continue;
        }
        BareMachine fresh = machine(0);
        Vcpu vcpu = must(Vcpu::create(kvm_, fresh.vm, 0));
        must(vcpu.set_cpuid(vcpu_cpuid(*cpu, 0, 1)));
        EXPECT_THAT(lacking_features(vcpu.cpuid(), host), IsEmpty()) << name;
        VcpuIo io = must(VcpuIo::make(kvm_, fresh.vm, vcpu));
        must(io.rehearse());
        EXPECT_TRUE(io.blank().nested.empty());
    }
    EXPECT_FALSE(best_baseline(host).empty());
}

TEST_F(KvmBaselinesTest, NestingIsShownOnlyWhereItIsAskedForAndCanBeCarried) {
    BareMachine m = machine(1);
    EXPECT_FALSE(shows_nesting(must(chosen_cpuid(kvm_, m.vm, {"host", false}))));
    const auto nested = chosen_cpuid(kvm_, m.vm, {"host", true});
    if (nested) {
        EXPECT_GT(m.vm.check(KVM_CAP_NESTED_STATE), 0);
        EXPECT_TRUE(shows_nesting(*nested));
    } else {
        EXPECT_EQ(nested.error().detail("capability"), "NESTED_STATE");
        EXPECT_THAT(nested.error().what(), HasSubstr("guest.nested"));
    }
}

TEST_F(KvmBaselinesTest, WhatThisHostShowsFitsIt) {
    BareMachine m = machine(1);
    const CpuidEntries host = must(host_cpuid(kvm_, m.vm, true));
    EXPECT_EQ(fits_host(vcpu_cpuid(host, 3, 4), host).ok(), true);
}

} // namespace
} // namespace segue::vmm
