// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "vmm/kvm/vcpu_call.hpp"
#include "vmm/kvm/vcpu_io.hpp"

namespace segue::vmm {

namespace {

Error misfit(const char* part, std::size_t there, std::size_t here) {
    return Error(Code::Refused, std::string("the saved ") + part + " is " + std::to_string(there) +
                                    ", this vCPU's " + std::to_string(here))
        .way_out("update to a VMM and kernel that show the guest the same CPU")
        .with("part", part);
}

} // namespace

Status VcpuIo::fits(const VcpuState& state) const {
    if (state.xsave.size() != xsave_bytes_)
        return misfit("xsave length", state.xsave.size(), xsave_bytes_);
    if (state.nested.size() != nested_bytes_)
        return misfit("nested state length", state.nested.size(), nested_bytes_);
    if (!has_xcrs_ && state.xcrs.nr_xcrs != 0)
        return misfit("number of extended control registers", state.xcrs.nr_xcrs, 0);
    if (state.tsc_khz != tsc_khz_)
        return misfit("TSC frequency in kHz", state.tsc_khz, tsc_khz_);
    if (state.msrs.size() > block_.room())
        return misfit("number of MSRs", state.msrs.size(), block_.room());
    return {};
}

Status VcpuIo::write_step(const VcpuState& state, MsrStep first, MsrStep last) {
    const auto from = std::find_if(state.msrs.begin(), state.msrs.end(),
                                   [&](const auto& m) { return msr_step(m.index) >= first; });
    const auto to = std::find_if(from, state.msrs.end(),
                                 [&](const auto& m) { return msr_step(m.index) > last; });
    return write_msrs(*vcpu_, block_, {from, to});
}

Status VcpuIo::write_core(const VcpuState& state) {
    const Vcpu& v = *vcpu_;
    SEGUE_TRY(vcpu_call(v, KVM_SET_SREGS2, &state.sregs, "KVM_SET_SREGS2"));
    if (!state.nested.empty())
        SEGUE_TRY(vcpu_call(v, KVM_SET_NESTED_STATE, state.nested.data(), "KVM_SET_NESTED_STATE"));
    SEGUE_TRY(vcpu_call(v, KVM_SET_REGS, &state.regs, "KVM_SET_REGS"));
    if (has_xcrs_)
        SEGUE_TRY(vcpu_call(v, KVM_SET_XCRS, &state.xcrs, "KVM_SET_XCRS"));
    SEGUE_TRY(vcpu_call(v, KVM_SET_XSAVE, state.xsave.data(), "KVM_SET_XSAVE"));
    SEGUE_TRY(vcpu_call(v, KVM_SET_DEBUGREGS, &state.debug, "KVM_SET_DEBUGREGS"));
    // Before the MSRs, or TSC_DEADLINE is dropped silently: the LAPIC holds the timer's mode.
    return vcpu_call(v, KVM_SET_LAPIC, &state.lapic, "KVM_SET_LAPIC");
}

Status VcpuIo::write(const VcpuState& state) {
    const Vcpu& v = *vcpu_;
    SEGUE_TRY(fits(state));
    SEGUE_TRY(write_step(state, MsrStep::First, MsrStep::First));
    SEGUE_TRY(write_core(state));
    SEGUE_TRY(write_step(state, MsrStep::Plain, MsrStep::Last));
    std::uint64_t offset = state.tsc_offset;
    SEGUE_TRY(tsc_offset(v, KVM_SET_DEVICE_ATTR, &offset));
    SEGUE_TRY(write_step(state, MsrStep::Deadline, MsrStep::Deadline));
    SEGUE_TRY(vcpu_call(v, KVM_SET_MP_STATE, &state.mp, "KVM_SET_MP_STATE"));
    return vcpu_call(v, KVM_SET_VCPU_EVENTS, &state.events, "KVM_SET_VCPU_EVENTS");
}

Status VcpuIo::write_paravirtual(const VcpuState& state) {
    SEGUE_TRY(write_step(state, MsrStep::Paravirtual, MsrStep::Paravirtual));
    return tell_stopped(*vcpu_);
}

Status VcpuIo::rehearse() {
    vcpu_->exit_now();
    auto ran = vcpu_->run();
    vcpu_->allow_run();
    if (!ran)
        return std::move(ran).error();
    VcpuState state = blank();
    SEGUE_TRY(read_mp_state(state));
    SEGUE_TRY(read(state));
    return write(state);
}

Status tell_stopped(const Vcpu& vcpu) {
    const int r = sys::ioctl_once(vcpu.fd(), KVM_KVMCLOCK_CTRL, 0);
    if (r < 0 && r != -EINVAL) // EINVAL: the guest uses no kvmclock
        return Error::from_errno(-r, "KVM_KVMCLOCK_CTRL");
    return {};
}

} // namespace segue::vmm
