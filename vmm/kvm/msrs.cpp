// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/msrs.hpp"

#include <algorithm>
#include <cstdio>

#include <segue/cpp/sys.hpp>

#include "vmm/kvm/msr_owners.hpp"

namespace segue::vmm {

namespace {

// Intel SDM volume 4; AMD APM volume 2, appendix A; Documentation/virt/kvm/x86/msr.rst.
constexpr std::uint32_t kTsc = 0x10;
constexpr std::uint32_t kOldWallClock = 0x11;  // a second name of 0x4b564d00
constexpr std::uint32_t kOldSystemTime = 0x12; // a second name of 0x4b564d01
constexpr std::uint32_t kFeatureControl = 0x3a;
constexpr std::uint32_t kMcgCap = 0x179;
constexpr std::uint32_t kPerfGlobalCtrl = 0x38f;
constexpr std::uint32_t kAmdPerfGlobalCtrl = 0xc0000301;
constexpr std::uint32_t kMc0Ctl = 0x400;
constexpr std::uint32_t kMc0Ctl2 = 0x280;
constexpr std::uint64_t kMcgCmci = 1u << 10;
constexpr std::uint32_t kTscDeadline = 0x6e0;
constexpr std::uint32_t kKvmFirst = 0x4b564d00;
constexpr std::uint32_t kKvmLast = 0x4b564dff;
constexpr std::uint32_t kAsyncPfEnable = 0x4b564d02;
constexpr std::uint32_t kAsyncPfAck = 0x4b564d07; // an act, not a value

constexpr std::uint32_t kMtrrs[] = {0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206,
                                    0x207, 0x208, 0x209, 0x20a, 0x20b, 0x20c, 0x20d,
                                    0x20e, 0x20f, 0x250, 0x258, 0x259, 0x268, 0x269,
                                    0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x2ff};

// A vCPU's own, which KVM lists among those that tell of the host only: DE_CFG, in which a guest on
// AMD makes LFENCE serializing.
constexpr std::uint32_t kUnlisted[] = {0xc0011029};

void add_banks(std::uint64_t mcg_cap, std::vector<std::uint32_t>& indices) {
    const auto banks = static_cast<std::uint32_t>(mcg_cap & 0xff);
    for (std::uint32_t i = 0; i < banks * 4; ++i) // CTL, STATUS, ADDR, MISC of each bank
        indices.push_back(kMc0Ctl + i);
    if ((mcg_cap & kMcgCmci) != 0)
        for (std::uint32_t i = 0; i < banks; ++i)
            indices.push_back(kMc0Ctl2 + i);
}

bool readable(const Vcpu& vcpu, MsrBlock& block, kvm_msr_entry& entry) {
    block.use(1)[0] = entry;
    const bool ok = sys::ioctl_once(vcpu.fd(), KVM_GET_MSRS, block.raw()) == 1;
    entry = block.use(1)[0];
    return ok;
}

// ASYNC_PF_EN comes after ASYNC_PF_INT, which it makes use of.
std::uint64_t order(std::uint32_t index) {
    const auto step = static_cast<std::uint64_t>(msr_step(index));
    return step << 33 | std::uint64_t{index == kAsyncPfEnable} << 32 | index;
}

Error refused(const Vcpu& vcpu, const kvm_msr_entry& entry) {
    char text[96];
    std::snprintf(text, sizeof text, "vCPU %u refuses the value 0x%llx of MSR 0x%x", vcpu.id(),
                  entry.data, entry.index);
    char index[16];
    std::snprintf(index, sizeof index, "0x%x", entry.index);
    return Error(Code::Refused, text)
        .way_out("update to a VMM and kernel that show the guest the same CPU")
        .with("msr", index);
}

} // namespace

MsrStep msr_step(std::uint32_t index) {
    switch (index) {
    case kTsc:
    case kOldWallClock:
    case kOldSystemTime:
    case kAsyncPfAck:
        return MsrStep::Never;
    case kFeatureControl:
        return MsrStep::First;
    case kPerfGlobalCtrl:
    case kAmdPerfGlobalCtrl:
        return MsrStep::Last;
    case kTscDeadline:
        return MsrStep::Deadline;
    default:
        return index >= kKvmFirst && index <= kKvmLast ? MsrStep::Paravirtual : MsrStep::Plain;
    }
}

std::span<kvm_msr_entry> MsrBlock::use(std::size_t count) {
    raw()->nmsrs = static_cast<std::uint32_t>(count);
    return {raw()->entries, count};
}

Result<std::vector<std::uint32_t>> msrs_of(const Kvm& kvm, const Vcpu& vcpu) {
    SEGUE_ASSIGN(auto indices, kvm.msr_indices());
    indices.insert(indices.end(), std::begin(kMtrrs), std::end(kMtrrs));
    indices.insert(indices.end(), std::begin(kUnlisted), std::end(kUnlisted));
    MsrBlock block(1);
    kvm_msr_entry cap = {};
    cap.index = kMcgCap;
    if (readable(vcpu, block, cap))
        add_banks(cap.data, indices);
    std::vector<std::uint32_t> present;
    for (const std::uint32_t index : indices) {
        kvm_msr_entry entry = {};
        entry.index = index;
        if (msr_step(index) != MsrStep::Never && msr_is_shown(vcpu.cpuid(), index) &&
            readable(vcpu, block, entry))
            present.push_back(index);
    }
    std::sort(present.begin(), present.end(),
              [](std::uint32_t a, std::uint32_t b) { return order(a) < order(b); });
    present.erase(std::unique(present.begin(), present.end()), present.end());
    return present;
}

Status read_msrs(const Vcpu& vcpu, MsrBlock& block, std::span<kvm_msr_entry> entries) {
    const auto in = block.use(entries.size());
    std::copy(entries.begin(), entries.end(), in.begin());
    const int n = sys::ioctl_once(vcpu.fd(), KVM_GET_MSRS, block.raw());
    if (n < 0)
        return Error::from_errno(-n, "KVM_GET_MSRS");
    if (static_cast<std::size_t>(n) != entries.size())
        return refused(vcpu, entries[static_cast<std::size_t>(n)]);
    std::copy(in.begin(), in.end(), entries.begin());
    return {};
}

Status write_msrs(const Vcpu& vcpu, MsrBlock& block, std::span<const kvm_msr_entry> entries) {
    while (!entries.empty()) {
        const auto out = block.use(entries.size());
        std::copy(entries.begin(), entries.end(), out.begin());
        const int n = sys::ioctl_once(vcpu.fd(), KVM_SET_MSRS, block.raw());
        if (n < 0)
            return Error::from_errno(-n, "KVM_SET_MSRS");
        entries = entries.subspan(static_cast<std::size_t>(n));
        if (entries.empty())
            break;
        kvm_msr_entry held = entries[0];
        if (!readable(vcpu, block, held) || held.data != entries[0].data)
            return refused(vcpu, entries[0]);
        entries = entries.subspan(1);
    }
    return {};
}

} // namespace segue::vmm
