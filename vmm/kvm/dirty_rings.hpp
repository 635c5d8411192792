// SPDX-License-Identifier: Apache-2.0
// dirty_rings.hpp - a ring a vCPU of the pages that it has written (Linux,
// Documentation/virt/kvm/api.rst, 8.29 KVM_CAP_DIRTY_LOG_RING).
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include <segue/cpp/mapping.hpp>

#include "vmm/kvm/vcpu.hpp"
#include "vmm/kvm/vm.hpp"

namespace segue::vmm {

// The rings of all vCPUs of a VM that has them (Vm::enable_dirty_rings).
class DirtyRings {
public:
    // One bit of `slot` is set.
    using Found = std::function<void(std::uint32_t slot, std::uint64_t page)>;

    static Result<DirtyRings> map(const Vm& vm, const std::vector<const Vcpu*>& vcpus);

    // Takes all entries; the next write of their pages is found again. Guest running or not.
    // [one thread at a time]
    Status take(const Vm& vm, const Found& found);

private:
    struct Ring {
        Mapping entries;
        std::uint64_t next = 0; // never reset: KVM's goes round as well
    };
    Status give_back(const Vm& vm);

    std::vector<Ring> rings_;
    std::uint64_t owed_ = 0; // entries that KVM may have back and has not taken yet
};

} // namespace segue::vmm
