// SPDX-License-Identifier: Apache-2.0
// floor_vcpu.hpp - one vCPU's thread, reduced to what the floor needs.
#pragma once

#include <pthread.h>

#include <atomic>
#include <string>
#include <thread>

#include "vmm/kvm/vcpu.hpp"
#include "vmm/kvm/vcpu_io.hpp"

namespace segue::bench {

// Parked on a futex, in the guest, or stopped after it. [one controlling thread]
class FloorVcpu {
public:
    // Rehearses on its own thread, pinned to `core`, then parks.
    FloorVcpu(vmm::Vcpu& vcpu, vmm::VcpuIo& io, int core);
    ~FloorVcpu();
    FloorVcpu(const FloorVcpu&) = delete;
    FloorVcpu& operator=(const FloorVcpu&) = delete;

    Status wait_parked();
    void go();
    // Signals; wait_stopped() returns once the vCPU is out of the guest, with no exit half done.
    void kick();
    Status wait_stopped();

private:
    enum Word : int { Starting, Parked, Go, Stopped, End };
    void main(int core);
    void fail(const Error& error);
    Status wait_for(Word word);

    vmm::Vcpu& vcpu_;
    vmm::VcpuIo& io_;
    std::atomic<int> word_{Starting};
    std::atomic<bool> failed_{false};
    std::string failure_;
    std::thread thread_;
};

} // namespace segue::bench
