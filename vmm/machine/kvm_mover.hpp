// SPDX-License-Identifier: Apache-2.0
// kvm_mover.hpp - reads and writes all KVM state, each vCPU's on its own thread.
#pragma once

#include <atomic>
#include <barrier>
#include <memory>
#include <vector>

#include "core/state/reader.hpp"
#include "core/state/writer.hpp"
#include "vmm/boot/image.hpp"
#include "vmm/kvm/machine_io.hpp"
#include "vmm/vcpu/vcpu_group.hpp"

namespace segue::vmm {

// The order of machine_io.hpp in one round of all vCPU threads: they meet where it says "for all
// vCPUs before the next", and vCPU 0's thread does the VM's part between. With one vCPU a save or
// a load is one wake-up. All calls with the vCPUs stopped; room for everything is made by make().
// [controller]
class KvmMover {
public:
    static Result<std::unique_ptr<KvmMover>> make(const Kvm& kvm, const Vm& vm, VcpuGroup& vcpus);

    // As KVM made it, with what does not change while the guest runs: the shape of each vCPU
    // without its CPUID, boot id, capabilities.
    const KvmState& blank() const { return fresh_; }

    Status rehearse();
    Status save(state::Writer& state);
    Status load(const state::Reader& state);
    // After load(), before any vCPU ran: whether save() would say the same. REFUSED names parts
    // that would not. Allocates.
    Status compare();
    // As after power-on, the first vCPU as `boot` says. The guest's TSC and clock go on.
    Status restart(const BootVcpu& boot);

private:
    KvmMover(const Vm& vm, VcpuGroup& vcpus);
    Status read_all(KvmState& to);
    Status write_all(const KvmState& from);
    // The calling vCPU thread waits for the others; false for all where one has failed.
    bool meet(const Status& mine);
    // Runs while all wait in meet(), so that they leave it with one answer.
    struct Verdict {
        KvmMover* mover;
        void operator()() const noexcept { mover->go_on_ = !mover->failed_.load(); }
    };

    const Vm& vm_;
    VcpuGroup& vcpus_;
    std::vector<std::unique_ptr<VcpuIo>> io_; // each made and used on its vCPU's thread
    std::barrier<Verdict> meeting_;
    std::atomic<bool> failed_ = false;
    bool go_on_ = true;
    KvmState fresh_; // as KVM made it
    KvmState now_;   // of the last save, load or restart
};

} // namespace segue::vmm
