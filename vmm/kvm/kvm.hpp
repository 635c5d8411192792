// SPDX-License-Identifier: Apache-2.0
// kvm.hpp - /dev/kvm: what this host can do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "vmm/kvm/uapi.hpp"

namespace segue::vmm {

using CpuidEntries = std::vector<kvm_cpuid_entry2>;

// The system fd. One a process is enough; it must outlive nothing: VMs keep their own reference.
// [any]
class Kvm {
public:
    // Where it cannot be used, the error says which cause it is (usable.hpp).
    static Result<Kvm> open(const std::string& node = "/dev/kvm");

    int fd() const { return fd_.get(); }
    // KVM_CHECK_EXTENSION of the system; 0: absent. Ask Vm::check() where the answer is a VM's.
    int check(int capability) const;
    // All that this KVM could show a guest; policy is cpuid.hpp's.
    Result<CpuidEntries> supported_cpuid() const;
    // KVM_GET_MSR_INDEX_LIST: the MSRs of a vCPU's state, without machine-check banks.
    Result<std::vector<std::uint32_t>> msr_indices() const;
    // Length of a vCPU's kvm_run mapping.
    std::size_t run_bytes() const { return run_bytes_; }

private:
    UniqueFd fd_;
    std::size_t run_bytes_ = 0;
};

} // namespace segue::vmm
