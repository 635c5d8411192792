// SPDX-License-Identifier: Apache-2.0
// kvm_dirty_log.hpp - KVM's log of what the guest writes, and the VMM's own of what its devices
// write, as one.
#pragma once

#include <atomic>
#include <functional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "core/ports/dirty_log.hpp"
#include "vmm/kvm/vm.hpp"
#include "vmm/machine/write_log.hpp"
#include "vmm/memory/guest_ram.hpp"

namespace segue::vmm {

// The paravirtual structures that KVM writes itself (kvmclock, steal time, end of interrupt) are in
// its log. One slot a region, as map_slots() makes them.
class KvmDirtyLog final : public ports::DirtyLog {
public:
    // `unseen` names the devices whose writes nobody sees, or none. All of them outlive it.
    KvmDirtyLog(Vm& vm, WriteLog& log, const GuestRam& ram, std::function<std::string()> unseen)
        : vm_(vm)
        , log_(log)
        , ram_(ram)
        , unseen_(std::move(unseen)) {}
    ~KvmDirtyLog() override { stop(); }

    Status check() override;
    Status start() override;
    Result<std::uint64_t> look() override;
    Status take(std::uint32_t block, std::uint64_t first, std::span<std::uint64_t> bits) override;
    void guest_stopped() noexcept override { guest_stopped_ = true; }
    void stop() noexcept override;

private:
    Status not_started() const;
    Status take_of(std::uint32_t region, std::uint64_t first, std::uint64_t n,
                   std::span<std::uint64_t> words);

    Vm& vm_;
    WriteLog& log_;
    const GuestRam& ram_;
    std::function<std::string()> unseen_;
    std::shared_mutex mutex_; // exclusive: start and stop
    std::atomic<bool> guest_stopped_{false};
    std::atomic<bool> all_found_{false}; // of what vCPUs wrote, for they stand still
    std::vector<PageBits> pending_;      // one a region: to be taken; empty while it is off
};

} // namespace segue::vmm
