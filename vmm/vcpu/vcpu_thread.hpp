// SPDX-License-Identifier: Apache-2.0
// vcpu_thread.hpp - the one thread that makes a vCPU's calls.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <thread>

#include "vmm/kvm/vcpu.hpp"
#include "vmm/vcpu/exits.hpp"
#include "vmm/vcpu/orders.hpp"
#include "vmm/vcpu/turns.hpp"

namespace segue::vmm {

// What a Work order does on every thread: a function and its argument, without an allocation.
struct VcpuWork {
    Status (*call)(void* with, Vcpu& vcpu) = nullptr;
    void* with = nullptr;
};

// What the threads of one machine share. The controller writes `work` before its order.
struct VcpuShared {
    Orders orders;
    VcpuWork work;
    Turns turns;
    Exits* exits = nullptr;
    std::atomic<bool> halted = false; // a guest event is pending: nobody enters the guest
};

// Named "vcpu0" and so on; only the kick signal is unblocked in it. Ends by the Quit order.
class VcpuThread {
public:
    VcpuThread(VcpuShared& shared, Vcpu vcpu);
    ~VcpuThread();
    VcpuThread(const VcpuThread&) = delete;
    VcpuThread& operator=(const VcpuThread&) = delete;

    const Vcpu& vcpu() const { return vcpu_; }
    // Sends the thread a signal, so that KVM_RUN looks at immediate_exit. [any]
    void kick() noexcept;
    // There once it has done its first order. [any, after that]
    pid_t tid() const { return tid_.load(std::memory_order_relaxed); }
    // Of the last Work order. [controller, after it]
    Status& result() { return result_; }

private:
    void loop();
    void run_guest(OrderWord order);

    VcpuShared& shared_;
    Vcpu vcpu_;
    Status result_;
    std::atomic<pid_t> tid_ = 0;
    std::thread thread_;
};

// By which a thread comes out of the guest. Its handler is installed for the whole process, once.
int kick_signal();
Status install_kick_handler();

} // namespace segue::vmm
