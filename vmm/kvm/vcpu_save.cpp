// SPDX-License-Identifier: Apache-2.0
#include <segue/cpp/sys.hpp>

#include "vmm/kvm/cpuid.hpp"
#include "vmm/kvm/vcpu_call.hpp"
#include "vmm/kvm/vcpu_io.hpp"

namespace segue::vmm {

namespace {

// Room for those that another VMM or host carries although the guest does not know of them.
constexpr std::size_t kMoreMsrs = 256;

} // namespace

VcpuIo::VcpuIo(Vcpu& vcpu, std::vector<std::uint32_t> msrs)
    : vcpu_(&vcpu)
    , msrs_(std::move(msrs))
    , block_(msrs_.size() + kMoreMsrs) {}

Result<VcpuIo> VcpuIo::make(const Kvm& kvm, const Vm& vm, Vcpu& vcpu) {
    SEGUE_ASSIGN(auto msrs, msrs_of(kvm, vcpu));
    VcpuIo io(vcpu, std::move(msrs));
    io.xsave_bytes_ = static_cast<std::size_t>(vm.check(KVM_CAP_XSAVE2));
    if (shows_nesting(vcpu.cpuid()))
        io.nested_bytes_ = static_cast<std::size_t>(vm.check(KVM_CAP_NESTED_STATE));
    io.has_xcrs_ = vm.check(KVM_CAP_XCRS) > 0;
    SEGUE_ASSIGN(const int khz, sys::ioctl(vcpu.fd(), KVM_GET_TSC_KHZ, 0, "KVM_GET_TSC_KHZ"));
    io.tsc_khz_ = static_cast<std::uint32_t>(khz);
    return io;
}

VcpuState VcpuIo::blank() const {
    VcpuState state;
    state.xsave.resize(xsave_bytes_);
    state.nested.resize(nested_bytes_);
    for (const std::uint32_t index : msrs_)
        state.msrs.push_back({index, 0, 0});
    return state;
}

Status VcpuIo::read_mp_state(VcpuState& state) {
    return vcpu_call(*vcpu_, KVM_GET_MP_STATE, &state.mp, "KVM_GET_MP_STATE");
}

Status VcpuIo::read(VcpuState& state) {
    const Vcpu& v = *vcpu_;
    SEGUE_TRY(vcpu_call(v, KVM_GET_REGS, &state.regs, "KVM_GET_REGS"));
    SEGUE_TRY(vcpu_call(v, KVM_GET_SREGS2, &state.sregs, "KVM_GET_SREGS2"));
    SEGUE_TRY(vcpu_call(v, KVM_GET_XSAVE2, state.xsave.data(), "KVM_GET_XSAVE2"));
    if (has_xcrs_)
        SEGUE_TRY(vcpu_call(v, KVM_GET_XCRS, &state.xcrs, "KVM_GET_XCRS"));
    SEGUE_TRY(vcpu_call(v, KVM_GET_DEBUGREGS, &state.debug, "KVM_GET_DEBUGREGS"));
    SEGUE_TRY(read_msrs(v, block_, state.msrs));
    if (!state.nested.empty()) {
        reinterpret_cast<kvm_nested_state*>(state.nested.data())->size =
            static_cast<std::uint32_t>(state.nested.size());
        SEGUE_TRY(vcpu_call(v, KVM_GET_NESTED_STATE, state.nested.data(), "KVM_GET_NESTED_STATE"));
    }
    SEGUE_TRY(vcpu_call(v, KVM_GET_LAPIC, &state.lapic, "KVM_GET_LAPIC"));
    SEGUE_TRY(vcpu_call(v, KVM_GET_VCPU_EVENTS, &state.events, "KVM_GET_VCPU_EVENTS"));
    SEGUE_TRY(tsc_offset(v, KVM_GET_DEVICE_ATTR, &state.tsc_offset));
    state.tsc_khz = tsc_khz_;
    return {};
}

} // namespace segue::vmm
