// SPDX-License-Identifier: Apache-2.0
// vcpu_call.hpp - one vCPU ioctl as a Status that names the vCPU; private to vmm/kvm.
#pragma once

#include <string>

#include <segue/cpp/sys.hpp>

#include "vmm/kvm/vcpu.hpp"

namespace segue::vmm {

template <class Arg>
Status vcpu_call(const Vcpu& vcpu, unsigned long request, Arg arg, const char* what) {
    const int r = sys::ioctl_once(vcpu.fd(), request, arg);
    if (r >= 0)
        return {};
    return Error::from_errno(-r, what + (" of vCPU " + std::to_string(vcpu.id())))
        .way_out("update to a VMM and kernel that show the guest the same CPU")
        .with("vcpu", std::to_string(vcpu.id()));
}

// `request`: KVM_GET_DEVICE_ATTR or KVM_SET_DEVICE_ATTR.
inline Status tsc_offset(const Vcpu& vcpu, unsigned long request, std::uint64_t* value) {
    kvm_device_attr attr = {};
    attr.group = KVM_VCPU_TSC_CTRL;
    attr.attr = KVM_VCPU_TSC_OFFSET;
    attr.addr = reinterpret_cast<std::uintptr_t>(value);
    return vcpu_call(vcpu, request, &attr, "the TSC offset");
}

} // namespace segue::vmm
