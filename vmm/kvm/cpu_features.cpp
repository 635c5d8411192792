// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/cpu_features.hpp"

#include <bit>
#include <cstdio>
#include <optional>

#include "vmm/kvm/cpuid_entries.hpp"

namespace segue::vmm {

namespace {

enum class Reg : std::uint8_t { Eax, Ebx, Ecx, Edx };

// A register of a leaf; `names` of its bits from 0 on, "-" where one has none. `ignored` is what
// does not tell one CPU from another.
struct Word {
    std::uint32_t function, index;
    Reg reg;
    std::uint32_t ignored;
    const char* names;
};

// Intel SDM 2A, CPUID; AMD APM 3, appendix E; Documentation/virt/kvm/x86/cpuid.rst.
constexpr Word kWords[] = {
    {1, 0, Reg::Edx, 1u << 28,
     "fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - dts "
     "acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"},
    {1, 0, Reg::Ecx, 1u << 27,
     "pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr pdcm - pcid "
     "dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave osxsave avx f16c rdrand "
     "hypervisor"},
    {6, 0, Reg::Eax, 0, "dtherm ida arat"},
    {7, 0, Reg::Ebx, 0,
     "fsgsbase tsc_adjust sgx bmi1 hle avx2 fdp_excptn_only smep bmi2 erms invpcid rtm cqm "
     "zero_fcs_fds mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma pcommit clflushopt clwb "
     "intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl"},
    {7, 0, Reg::Ecx, 1u << 4,
     "prefetchwt1 avx512vbmi umip pku ospke waitpkg avx512_vbmi2 shstk gfni vaes vpclmulqdq "
     "avx512_vnni avx512_bitalg tme avx512_vpopcntdq - la57 - - - - - rdpid - bus_lock_detect "
     "cldemote - movdiri movdir64b enqcmd sgx_lc pks"},
    {7, 0, Reg::Edx, 0,
     "- - avx512_4vnniw avx512_4fmaps fsrm uintr - - avx512_vp2intersect srbds_ctrl md_clear "
     "rtm_always_abort - tsx_force_abort serialize hybrid_cpu tsxldtrk - pconfig arch_lbr ibt - "
     "amx_bf16 avx512_fp16 amx_tile amx_int8 spec_ctrl intel_stibp flush_l1d arch_capabilities "
     "core_capabilities spec_ctrl_ssbd"},
    {7, 1, Reg::Eax, 0,
     "sha512 sm3 sm4 rao_int avx_vnni avx512_bf16 lass cmpccxadd arch_perfmon_ext - fzrm fsrs fsrc "
     "- - - - fred lkgs wrmsrns nmi_source amx_fp16 hreset avx_ifma - - lam"},
    {7, 1, Reg::Edx, 0,
     "- - - - avx_vnni_int8 avx_ne_convert - - amx_complex - avx_vnni_int16 - - - "
     "prefetchiti"},
    {7, 2, Reg::Edx, 0, "psfd ipred_ctrl rrsba_ctrl ddpd_u bhi_ctrl mcdt_no"},
    {0xd, 0, Reg::Eax, 0,
     "x87_state sse_state avx_state bndregs_state bndcsr_state opmask_state zmm_hi256_state "
     "hi16_zmm_state pt_state pkru_state pasid_state cet_u_state cet_s_state - uintr_state - - "
     "amx_cfg_state amx_data_state"},
    {0xd, 0, Reg::Edx, 0, ""},
    {0xd, 1, Reg::Eax, 0, "xsaveopt xsavec xgetbv1 xsaves xfd"},
    {0xd, 1, Reg::Ecx, 0, ""},
    {0x40000001, 0, Reg::Eax, 0,
     "kvm_clock kvm_nopiodelay - kvm_clock2 kvm_async_pf kvm_steal_time kvm_pv_eoi kvm_pv_unhalt - "
     "kvm_pv_tlb_flush kvm_async_pf_vmexit kvm_pv_send_ipi kvm_poll_control kvm_pv_sched_yield "
     "kvm_async_pf_int kvm_msi_ext_dest_id kvm_hc_map_gpa_range kvm_migration_control - - - - - - "
     "kvm_clock_stable"},
    {0x80000001, 0, Reg::Edx, 0x0183f3ff,
     "- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm "
     "3dnowext 3dnow"},
    {0x80000001, 0, Reg::Ecx, 1u << 1,
     "lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop "
     "skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb - bpext ptsc "
     "perfctr_llc mwaitx"},
    {0x80000007, 0, Reg::Edx, 0, "- - - - - - - - constant_tsc"},
    {0x80000008, 0, Reg::Ebx, 0,
     "clzero irperf xsaveerptr - rdpru - - - - wbnoinvd - - amd_ibpb - amd_ibrs amd_stibp - "
     "stibp_always_on - - - - - amd_ppin amd_ssbd virt_ssbd amd_ssb_no cppc amd_psfd btc_no "
     "ibpb_ret"},
    {0x8000000a, 0, Reg::Edx, 0,
     "npt lbrv svm_lock nrip_save tsc_scale vmcb_clean flushbyasid decodeassists - - pausefilter - "
     "pfthreshold avic - v_vmsave_vmload vgif - - - - - - - - vnmi"},
    {0x80000021, 0, Reg::Eax, 0,
     "no_nested_data_bp - lfence_rdtsc - - verw_clear null_sel_clr_base - autoibrs"},
};

std::uint32_t& value_of(kvm_cpuid_entry2& e, Reg reg) {
    std::uint32_t* const registers[] = {&e.eax, &e.ebx, &e.ecx, &e.edx};
    return *registers[static_cast<std::size_t>(reg)];
}

std::uint32_t value_of(const CpuidEntries& cpu, const Word& word) {
    const auto* const e = find_leaf(cpu, word.function, word.index);
    kvm_cpuid_entry2 copy = e != nullptr ? *e : kvm_cpuid_entry2{};
    return value_of(copy, word.reg);
}

// "" where there is none.
std::string_view name_of(const Word& word, unsigned bit) {
    std::string_view names = word.names;
    for (; bit != 0 && !names.empty(); --bit)
        names.remove_prefix(std::min(names.find(' '), names.size() - 1) + 1);
    names = names.substr(0, names.find(' '));
    return names == "-" ? std::string_view() : names;
}

std::string text_of(const Word& word, unsigned bit) {
    if (const auto name = name_of(word, bit); !name.empty())
        return std::string(name);
    static constexpr const char* kRegs[] = {"EAX", "EBX", "ECX", "EDX"};
    char text[64];
    std::snprintf(text, sizeof text, "bit %u of leaf 0x%x.%u %s", bit, word.function, word.index,
                  kRegs[static_cast<std::size_t>(word.reg)]);
    return text;
}

struct Place {
    const Word* word;
    unsigned bit;
};

std::optional<Place> find(std::string_view name) {
    for (const Word& word : kWords)
        for (unsigned bit = 0; bit < 32; ++bit)
            if (name_of(word, bit) == name && !name.empty())
                return Place{&word, bit};
    return std::nullopt;
}

} // namespace

bool has_feature(const CpuidEntries& cpu, std::string_view name) {
    const auto at = find(name);
    return at && (value_of(cpu, *at->word) >> at->bit & 1) != 0;
}

bool add_feature(CpuidEntries& cpu, std::string_view name) {
    const auto at = find(name);
    if (!at)
        return false;
    value_of(leaf_of(cpu, at->word->function, at->word->index), at->word->reg) |= 1u << at->bit;
    return true;
}

std::vector<std::string> lacking_features(const CpuidEntries& cpu, const CpuidEntries& host) {
    std::vector<std::string> names;
    for (const Word& word : kWords) {
        std::uint32_t lacking = value_of(cpu, word) & ~value_of(host, word) & ~word.ignored;
        for (; lacking != 0; lacking &= lacking - 1)
            names.push_back(text_of(word, static_cast<unsigned>(std::countr_zero(lacking))));
    }
    return names;
}

} // namespace segue::vmm
