// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/dirty_rings.hpp"

#include <unistd.h>

#include <atomic>

namespace segue::vmm {

Result<DirtyRings> DirtyRings::map(const Vm& vm, const std::vector<const Vcpu*>& vcpus) {
    DirtyRings rings;
    const auto page = static_cast<off_t>(::sysconf(_SC_PAGESIZE));
    for (const Vcpu* vcpu : vcpus) {
        SEGUE_ASSIGN(Mapping entries,
                     Mapping::make(vm.dirty_ring_entries() * sizeof(kvm_dirty_gfn),
                                   PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd(),
                                   KVM_DIRTY_LOG_PAGE_OFFSET * page, "dirty ring"));
        rings.rings_.push_back({std::move(entries), 0});
    }
    return rings;
}

// KVM publishes an entry by its flag, and takes it back by the flag that is set here.
Status DirtyRings::take(const Vm& vm, const Found& found) {
    bool any = false;
    for (Ring& ring : rings_) {
        auto* const entries = reinterpret_cast<kvm_dirty_gfn*>(ring.entries.data());
        const std::uint64_t size = ring.entries.size() / sizeof *entries;
        for (;; ++ring.next) {
            kvm_dirty_gfn& e = entries[ring.next % size];
            const std::atomic_ref<std::uint32_t> flags(e.flags);
            if ((flags.load(std::memory_order_acquire) & KVM_DIRTY_GFN_F_MASK) !=
                KVM_DIRTY_GFN_F_DIRTY)
                break;
            found(e.slot & 0xffff, e.offset); // above it: the address space, of which there is one
            flags.store(KVM_DIRTY_GFN_F_RESET, std::memory_order_release);
            any = true;
        }
    }
    return any ? vm.reset_dirty_rings() : Status();
}

} // namespace segue::vmm
