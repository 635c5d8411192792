// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/cpu_baselines.hpp"

#include <algorithm>
#include <cstring>

#include "core/base/list.hpp"
#include "vmm/kvm/cpu_features.hpp"
#include "vmm/kvm/cpuid.hpp"
#include "vmm/kvm/cpuid_entries.hpp"

namespace segue::vmm {

namespace {

// x86-64 psABI 1.0, 3.1.1: each level adds to the one before.
struct Level {
    std::string_view name;
    std::string_view adds;
    std::string_view states; // of XSAVE
};
constexpr Level kLevels[] = {
    {kBaselines[0], "cmov cx8 fpu fxsr mmx syscall sse sse2 lm", ""},
    {kBaselines[1], "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3", ""},
    {kBaselines[2], "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave", "x87_state sse_state avx_state"},
    {kBaselines[3], "avx512f avx512bw avx512cd avx512dq avx512vl",
     "opmask_state zmm_hi256_state hi16_zmm_state"},
};

// What kernels take for granted on x86-64, and what KVM emulates on any host (Linux 5.17).
constexpr std::string_view kOfEach =
    "de pse tsc msr pae mce apic sep mtrr pge mca pat pse36 clflush nx "
    "x2apic tsc_deadline_timer hypervisor arat "
    "kvm_clock kvm_nopiodelay kvm_clock2 kvm_async_pf kvm_steal_time kvm_pv_eoi kvm_pv_unhalt "
    "kvm_pv_tlb_flush kvm_async_pf_vmexit kvm_pv_send_ipi kvm_poll_control kvm_pv_sched_yield "
    "kvm_async_pf_int kvm_clock_stable";

constexpr std::uint32_t kSignature = 0x00000f61; // family 15, model 6, stepping 1: of no real CPU
                                                 // with these features
constexpr std::uint32_t kAmdCopies = 0x0183f3ff; // bits of leaf 1 EDX in leaf 0x80000001 EDX
constexpr unsigned kAddressBits = 40, kLinearBits = 48;
constexpr std::uint32_t kMaxBasic = 0xd, kMaxExtended = 0x80000008;
constexpr std::uint32_t kHead = 512 + 64; // bytes of XSAVE: legacy region and header

const Level* level_of(std::string_view name) {
    const auto* it = std::find_if(std::begin(kLevels), std::end(kLevels),
                                  [&](const Level& l) { return l.name == name; });
    return it == std::end(kLevels) ? nullptr : it;
}

void add_features(CpuidEntries& cpu, std::string_view names) {
    while (!names.empty()) {
        const auto end = std::min(names.find(' '), names.size());
        add_feature(cpu, names.substr(0, end));
        names.remove_prefix(std::min(end + 1, names.size()));
    }
}

void copy_leaf(const CpuidEntries& host, CpuidEntries& cpu, std::uint32_t function,
               std::uint32_t index = 0) {
    if (const auto* const e = find_leaf(host, function, index))
        leaf_of(cpu, function, index) = *e;
}

void set_vendor(const CpuidEntries& host, CpuidEntries& cpu) {
    copy_leaf(host, cpu, 0);
    leaf_of(cpu, 0).eax = kMaxBasic;
    auto& extended = leaf_of(cpu, 0x80000000);
    extended = leaf_of(cpu, 0);
    extended.function = 0x80000000;
    extended.eax = kMaxExtended;
}

void set_name(std::string_view name, CpuidEntries& cpu) {
    char text[48] = "Segue ";
    std::memcpy(text + 6, name.data(), name.size());
    for (std::uint32_t i = 0; i < 3; ++i)
        std::memcpy(&leaf_of(cpu, 0x80000002 + i).eax, text + std::size_t{16} * i, 16);
}

kvm_cpuid_entry2& cache(CpuidEntries& cpu, std::uint32_t index, std::uint32_t type,
                        std::uint32_t level, std::uint32_t ways, std::uint32_t sets) {
    auto& e = leaf_of(cpu, 4, index);
    e.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
    e.eax = type | level << 5 | 1u << 8; // needs no initialization
    e.ebx = (ways - 1) << 22 | (64 - 1); // lines of 64 bytes
    e.ecx = sets - 1;
    return e;
}

// 32 KiB for each of instructions and data, 512 KiB, 16 MiB shared: without any, C libraries copy
// as if there were none. As Intel's CPUs say it, then as AMD's do.
void set_caches(CpuidEntries& cpu) {
    cache(cpu, 0, 1, 1, 8, 64);
    cache(cpu, 1, 2, 1, 8, 64);
    cache(cpu, 2, 3, 2, 8, 1024);
    cache(cpu, 3, 3, 3, 16, 16384);
    auto& first = leaf_of(cpu, 0x80000005);
    first.ecx = first.edx = 32u << 24 | 8u << 16 | 1u << 8 | 64;
    auto& others = leaf_of(cpu, 0x80000006);
    others.ecx = 512u << 16 | 6u << 12 | 1u << 8 | 64;       // 6: 8 ways
    others.edx = (16u << 1) << 18 | 8u << 12 | 1u << 8 | 64; // units of 512 KiB; 8: 16 ways
}

// Leaf 0xD has the components already; their places, and the size of all.
void set_xsave_layout(const CpuidEntries& host, CpuidEntries& cpu) {
    auto& area = leaf_of(cpu, 0xd);
    area.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
    const std::uint32_t components = area.eax;
    std::uint32_t bytes = components != 0 ? kHead : 0;
    for (std::uint32_t i = 2; i < 32; ++i) {
        const auto* const place = find_leaf(host, 0xd, i);
        if ((components >> i & 1) == 0 || place == nullptr)
            continue;
        bytes = std::max(bytes, place->ebx + place->eax);
        copy_leaf(host, cpu, 0xd, i);
    }
    leaf_of(cpu, 0xd).ebx = leaf_of(cpu, 0xd).ecx = bytes; // KVM keeps EBX as XCR0 is
}

CpuidEntries make(const Level& wanted, const CpuidEntries& host) {
    CpuidEntries cpu;
    set_vendor(host, cpu);
    auto& first = leaf_of(cpu, 1);
    first.eax = kSignature;
    first.ebx = 64 / 8 << 8; // CLFLUSH's line
    leaf_of(cpu, 7).flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
    copy_leaf(host, cpu, 0x40000000);
    add_features(cpu, kOfEach);
    for (const Level& level : kLevels) {
        add_features(cpu, level.adds);
        add_features(cpu, level.states);
        if (level.name == wanted.name)
            break;
    }
    leaf_of(cpu, 0x80000001).eax = kSignature;
    if (is_amd(host))
        leaf_of(cpu, 0x80000001).edx |= leaf_of(cpu, 1).edx & kAmdCopies;
    set_name(wanted.name, cpu);
    set_caches(cpu);
    set_xsave_layout(host, cpu);
    leaf_of(cpu, 0x80000008).eax = std::min(address_bits(host), kAddressBits) | kLinearBits << 8;
    return cpu;
}

} // namespace

std::vector<std::string> lacking_of_baseline(std::string_view name, const CpuidEntries& host) {
    const Level* const level = level_of(name);
    return level != nullptr ? lacking_features(make(*level, host), host)
                            : std::vector<std::string>{std::string(name)};
}

std::string_view best_baseline(const CpuidEntries& host) {
    std::string_view best;
    for (const std::string_view name : kBaselines)
        if (lacking_of_baseline(name, host).empty())
            best = name;
    return best;
}

Result<CpuidEntries> baseline_cpuid(std::string_view name, const CpuidEntries& host) {
    const Level* const level = level_of(name);
    if (level == nullptr)
        return Error(Code::Invalid, "there is no CPU '" + std::string(name) + "'")
            .way_out("use \"host\", or \"x86-64-v1\" to \"x86-64-v4\"");
    CpuidEntries cpu = make(*level, host);
    const std::string lacks = list_of(lacking_features(cpu, host));
    if (lacks.empty())
        return cpu;
    const std::string best(best_baseline(host));
    return Error(Code::Refused, "this host's CPU, or its KVM, has no " + lacks + ", which " +
                                    std::string(name) + " has")
        .way_out(best.empty() ? "guest.cpu = \"host\": this host has no baseline"
                              : "guest.cpu = \"" + best + "\" is the best that this host has")
        .with("features", lacks);
}

} // namespace segue::vmm
