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
