// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/floor_vcpu.hpp"

#include <signal.h>

#include <mutex>

#include "core/base/deadline.hpp"
#include "tests/bench/cores.hpp"
#include "tests/bench/floor_guest.hpp"

namespace segue::bench {

namespace {

// Does nothing, but ends KVM_RUN: a signal that is ignored would not.
int kick_signal() {
    static std::once_flag once;
    std::call_once(once, [] {
        struct sigaction act = {};
        act.sa_handler = [](int) {};
        ::sigaction(SIGRTMIN + 1, &act, nullptr);
    });
    return SIGRTMIN + 1;
}

} // namespace

FloorVcpu::FloorVcpu(vmm::Vcpu& vcpu, vmm::VcpuIo& io, int core)
    : vcpu_(vcpu)
    , io_(io)
    , thread_([this, core] { main(core); }) {}

FloorVcpu::~FloorVcpu() {
    if (word_ == Go) {
        kick();
        (void)wait_stopped();
    }
    word_ = End;
    word_.notify_all();
    thread_.join();
}

void FloorVcpu::fail(const Error& error) {
    failure_ = error.what();
    failed_ = true;
}

void FloorVcpu::main(int core) {
    pin_to(core);
    if (auto s = io_.rehearse(); !s)
        fail(s.error());
    int expected = Starting;
    word_.compare_exchange_strong(expected, Parked);
    word_.wait(Parked);
    if (word_ != Go)
        return;
    auto ran = vcpu_.run();
    // Until the kick: an exit that is answered completes in the next run.
    while (ran && *ran == vmm::Ran::Exit && answer_exit(vcpu_))
        ran = vcpu_.run();
    if (!ran)
        fail(ran.error());
    else if (*ran == vmm::Ran::Exit)
        fail(Error(Code::Internal, "the guest left KVM_RUN for reason " +
                                       std::to_string(vcpu_.shared().exit_reason)));
    word_ = Stopped;
    word_.notify_all();
    word_.wait(Stopped);
}

Status FloorVcpu::wait_for(Word word) {
    const Deadline deadline = Deadline::in(std::chrono::seconds(10));
    // Spins: the waiting core has nothing else to do, and a futex here would be measured.
    while (word_.load(std::memory_order_acquire) != word)
        if (deadline.passed())
            return Error(Code::Deadline, "a vCPU thread of the floor does not answer");
    if (failed_)
        return Error(Code::Internal, failure_);
    return {};
}

Status FloorVcpu::wait_parked() {
    return wait_for(Parked);
}

void FloorVcpu::go() {
    vcpu_.allow_run();
    word_ = Go;
    word_.notify_all();
}

void FloorVcpu::kick() {
    vcpu_.exit_now();
    ::pthread_kill(thread_.native_handle(), kick_signal());
}

Status FloorVcpu::wait_stopped() {
    return wait_for(Stopped);
}

} // namespace segue::bench
