// SPDX-License-Identifier: Apache-2.0
// vm.hpp - one KVM virtual machine: memory slots, interrupt chips, event descriptors.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "vmm/kvm/capabilities.hpp"
#include "vmm/kvm/kvm.hpp"

namespace segue::vmm {

struct MemorySlot {
    std::uint32_t slot = 0;
    std::uint32_t flags = 0; // KVM_MEM_*
    std::uint64_t guest = 0; // guest-physical address
    std::uint64_t bytes = 0;
    void* host = nullptr;
};

// A guest's write that signals an eventfd instead of leaving KVM_RUN.
struct IoEvent {
    int event = -1;
    std::uint64_t address = 0;
    std::uint32_t length = 0; // 0 (any; where the host has it), 1, 2, 4, 8
    bool pio = false;
    std::optional<std::uint64_t> match; // only writes of this value
};

// Owner of the VM fd. Every call may block for a grace period; none allocates. [any]
class Vm {
public:
    static Result<Vm> create(const Kvm& kvm);

    int fd() const { return fd_.get(); }
    int check(int capability) const;
    // KVM_ENABLE_CAP; recorded, because the state means something else with it.
    Status enable(const Capability& capability);
    const std::vector<Capability>& enabled() const { return enabled_; }

    // Three pages in guest-physical space that the guest does not use (Intel's real mode).
    Status set_tss_addr(std::uint32_t address);
    Status set_identity_map_addr(std::uint64_t address);
    // LAPIC a vCPU, IOAPIC and two PICs; before the first vCPU.
    Status create_irqchip();
    Status create_pit(std::uint32_t flags = KVM_PIT_SPEAKER_DUMMY);

    Status set_memory(const MemorySlot& slot);
    Status remove_memory(std::uint32_t slot);

    // Slots with KVM_MEM_LOG_DIRTY_PAGES write down which of their pages are written
    // (Documentation/ virt/kvm/api.rst, 4.8 and 7.18): all at first, and what was read stays until
    // it is cleared. Whether this host's KVM can; and from now on. Not among enabled(): the state
    // means the same.
    bool can_log_by_hand() const;
    Status log_by_hand();
    // One bit a page of the slot, rounded up to whole words.
    Status read_log(std::uint32_t slot, std::span<std::uint64_t> bits) const;
    // The next write of the pages of set bits is written down again. `first` is a multiple of 64
    // and bit 0 of bits[0]; `pages` is one too, unless the slot ends there.
    Status clear_log(std::uint32_t slot, std::uint64_t first, std::uint32_t pages,
                     std::span<std::uint64_t> bits) const;

    // Instead of that: each vCPU gets a ring of so many entries, a power of two from 1024 on.
    // Before the first vCPU; UNSUPPORTED where KVM has none as large. Not among enabled() either.
    Status enable_dirty_rings(std::uint32_t entries);
    std::uint32_t dirty_ring_entries() const { return dirty_ring_entries_; }
    // The next write of the pages of entries that were taken is found again. Gives their number:
    // not all, where a signal is pending (Linux 6.17).
    Result<unsigned> reset_dirty_rings() const;

    Status set_irq(std::uint32_t gsi, bool level);
    // `resample` >= 0: level-triggered, signalled at the guest's EOI.
    Status add_irqfd(int event, std::uint32_t gsi, int resample = -1);
    Status remove_irqfd(int event, std::uint32_t gsi);
    Status add_ioevent(const IoEvent& io);
    Status remove_ioevent(const IoEvent& io);

private:
    Status irqfd(int event, std::uint32_t gsi, std::uint32_t flags, int resample);
    Status ioevent(const IoEvent& io, std::uint32_t flags);
    UniqueFd fd_;
    std::uint32_t dirty_ring_entries_ = 0;
    std::vector<Capability> enabled_;
};

} // namespace segue::vmm
