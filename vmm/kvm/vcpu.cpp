// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/vcpu.hpp"

#include <atomic>
#include <cstring>
#include <vector>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

Result<Vcpu> Vcpu::create(const Kvm& kvm, const Vm& vm, unsigned id) {
    SEGUE_ASSIGN(const int fd, sys::ioctl(vm.fd(), KVM_CREATE_VCPU, static_cast<unsigned long>(id),
                                          "KVM_CREATE_VCPU"));
    Vcpu vcpu;
    vcpu.fd_ = UniqueFd(fd);
    vcpu.id_ = id;
    SEGUE_ASSIGN(vcpu.run_, Mapping::make(kvm.run_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                                          0, "kvm_run"));
    return vcpu;
}

Status Vcpu::set_cpuid(const CpuidEntries& entries) {
    std::vector<std::byte> bytes(sizeof(kvm_cpuid2) + entries.size() * sizeof(kvm_cpuid_entry2));
    auto* list = reinterpret_cast<kvm_cpuid2*>(bytes.data());
    list->nent = static_cast<std::uint32_t>(entries.size());
    std::memcpy(bytes.data() + sizeof(kvm_cpuid2), entries.data(),
                entries.size() * sizeof(kvm_cpuid_entry2));
    if (auto r = sys::ioctl(fd(), KVM_SET_CPUID2, list, "KVM_SET_CPUID2"); !r)
        return std::move(r).error();
    cpuid_ = entries;
    return {};
}

Status Vcpu::set_tsc_khz(std::uint32_t khz) {
    SEGUE_ASSIGN(const int here, sys::ioctl(fd(), KVM_GET_TSC_KHZ, 0, "KVM_GET_TSC_KHZ"));
    // Set even where it is so already: KVM takes its default from the host's first calibration, and
    // where the host has refined that by more than 250 ppm since, it multiplies the guest's TSC by
    // 0 until it is told a rate (Linux 7.2, without TSC scaling). 0 is the host's rate of now.
    const bool set = sys::ioctl_once(fd(), KVM_SET_TSC_KHZ, static_cast<unsigned long>(khz)) >= 0;
    if (!set && khz != 0 && static_cast<std::uint32_t>(here) != khz)
        return Error(Code::Refused, "the guest's TSC runs at " + std::to_string(khz) +
                                        " kHz, this host's at " + std::to_string(here))
            .way_out("update on a host with the same TSC frequency or with TSC scaling");
    return {};
}

Result<Ran> Vcpu::run() {
    for (;;) {
        const int r = sys::ioctl_once(fd(), KVM_RUN, 0);
        if (r >= 0)
            return Ran::Exit;
        if (r == -EINTR)
            return Ran::Interrupted;
        // EAGAIN: a vCPU that waited for INIT or SIPI has changed its MP state; enter again.
        if (r != -EAGAIN)
            return Error::from_errno(-r, "KVM_RUN of vCPU " + std::to_string(id_));
    }
}

void Vcpu::set_immediate_exit(std::uint8_t value) const {
    std::atomic_ref<std::uint8_t>(shared().immediate_exit).store(value, std::memory_order_seq_cst);
}

} // namespace segue::vmm
