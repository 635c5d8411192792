// SPDX-License-Identifier: Apache-2.0
#include "vmm/kvm/dirty_rings.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>

namespace segue::vmm {

namespace {

constexpr int kIdle = 1000; // signals in a row

// All that can be, of this thread; they come at the end.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t before_{};
};

} // namespace

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
            ++owed_;
        }
    }
    return give_back(vm);
}

// From Linux 6.17 on KVM stops halfway where the thread has a signal to take, and then leaves up to
// 64 of the pages that it has taken back unprotected: later writes to them would be lost.
Status DirtyRings::give_back(const Vm& vm) {
    if (owed_ == 0)
        return {};
    const SignalsBlocked blocked;
    for (int idle = 0; owed_ != 0;) {
        SEGUE_ASSIGN(const unsigned taken, vm.reset_dirty_rings());
        owed_ -= std::min<std::uint64_t>(owed_, taken);
        if (taken != 0)
            idle = 0;
        else if (++idle == kIdle)
            return Error(Code::Internal, "KVM does not take back what was read of its dirty rings");
    }
    return {};
}

} // namespace segue::vmm
