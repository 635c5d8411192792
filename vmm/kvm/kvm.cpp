// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/kvm.hpp"

#include <algorithm>

#include <segue/cpp/sys.hpp>

#include "vmm/kvm/usable.hpp"

namespace segue::vmm {

namespace {

// A kernel struct {count, ..., entries[count]} in bytes of its own.
template <class Head, class Entry>
std::vector<std::byte> counted(std::uint32_t count) {
    return std::vector<std::byte>(sizeof(Head) + count * sizeof(Entry));
}

} // namespace

Result<Kvm> Kvm::open(const std::string& node) {
    auto fd = sys::open(node, O_RDWR);
    if (!fd)
        return kvm_unusable(node, kvm_facts(fd.error().sys_errno()));
    Kvm kvm;
    kvm.fd_ = std::move(*fd);
    const int version = sys::ioctl_once(kvm.fd(), KVM_GET_API_VERSION, 0);
    if (version < 0)
        return kvm_unusable(node, kvm_facts(-version));
    if (version != KVM_API_VERSION)
        return Error(Code::Unsupported,
                     node + " speaks KVM API " + std::to_string(version) + ", not 12")
            .way_out("update the host kernel");
    SEGUE_ASSIGN(const int bytes,
                 sys::ioctl(kvm.fd(), KVM_GET_VCPU_MMAP_SIZE, 0, "KVM_GET_VCPU_MMAP_SIZE"));
    kvm.run_bytes_ = static_cast<std::size_t>(bytes);
    return kvm;
}

int Kvm::check(int capability) const {
    return std::max(0, sys::ioctl_once(fd(), KVM_CHECK_EXTENSION, capability));
}

Result<CpuidEntries> Kvm::supported_cpuid() const {
    for (std::uint32_t room = 128; room <= 4096; room *= 2) {
        auto bytes = counted<kvm_cpuid2, kvm_cpuid_entry2>(room);
        auto* list = reinterpret_cast<kvm_cpuid2*>(bytes.data());
        list->nent = room;
        const int r = sys::ioctl_once(fd(), KVM_GET_SUPPORTED_CPUID, list);
        if (r == -E2BIG)
            continue;
        if (r < 0)
            return Error::from_errno(-r, "KVM_GET_SUPPORTED_CPUID");
        return CpuidEntries(list->entries, list->entries + list->nent);
    }
    return Error(Code::Unsupported, "KVM_GET_SUPPORTED_CPUID: more than 4096 entries");
}

Result<std::vector<std::uint32_t>> Kvm::msr_indices() const {
    kvm_msr_list none = {};
    // E2BIG is the answer here: it leaves the wanted count in nmsrs.
    if (const int r = sys::ioctl_once(fd(), KVM_GET_MSR_INDEX_LIST, &none); r < 0 && r != -E2BIG)
        return Error::from_errno(-r, "KVM_GET_MSR_INDEX_LIST");
    auto bytes = counted<kvm_msr_list, std::uint32_t>(none.nmsrs);
    auto* list = reinterpret_cast<kvm_msr_list*>(bytes.data());
    list->nmsrs = none.nmsrs;
    SEGUE_TRY(sys::ioctl(fd(), KVM_GET_MSR_INDEX_LIST, list, "KVM_GET_MSR_INDEX_LIST"));
    return std::vector<std::uint32_t>(list->indices, list->indices + list->nmsrs);
}

} // namespace segue::vmm
