// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/vcpu_thread.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "vmm/kvm/vcpu_io.hpp"

namespace segue::vmm {

namespace {

thread_local volatile sig_atomic_t kicked = 0;

} // namespace

int kick_signal() {
    return SIGRTMIN;
}

Status install_kick_handler() {
    struct sigaction action = {};
    action.sa_handler = [](int) { kicked = 1; }; // and it ends KVM_RUN with EINTR
    if (::sigaction(kick_signal(), &action, nullptr) != 0)
        return Error::from_errno(errno, "sigaction of the kick signal");
    return {};
}

VcpuThread::VcpuThread(VcpuShared& shared, Vcpu vcpu)
    : shared_(shared)
    , vcpu_(std::move(vcpu)) {
    vcpu_.exit_now(); // the gate is closed from the start
    thread_ = std::thread([this] { loop(); });
}

VcpuThread::~VcpuThread() {
    thread_.join();
}

void VcpuThread::kick() noexcept {
    (void)::pthread_kill(thread_.native_handle(), kick_signal());
}

void VcpuThread::loop() {
    tid_.store(::gettid(), std::memory_order_relaxed);
    const std::string name = "vcpu" + std::to_string(vcpu_.id());
    (void)::pthread_setname_np(::pthread_self(), name.c_str());
    sigset_t blocked;
    ::sigfillset(&blocked);
    ::sigdelset(&blocked, kick_signal());
    ::sigdelset(&blocked, SIGBUS); // blocked, a fault in RAM would end us without a word
    (void)::pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
    for (OrderWord order = shared_.orders.next(0); kind_of(order) != Order::Quit;
         order = shared_.orders.next(order)) {
        switch (kind_of(order)) {
        case Order::Run:
            run_guest(order);
            break;
        case Order::Work:
            result_ = shared_.work.call(shared_.work.with, vcpu_);
            shared_.orders.done(order);
            break;
        default:
            shared_.orders.done(order);
            // For a resume here; where the guest goes on elsewhere, its load() tells it.
            (void)tell_stopped(vcpu_);
        }
    }
}

// Comes back when no exit is half done: an exit completes in the next KVM_RUN, and one completion
// may raise another exit, so only EINTR ends it.
void VcpuThread::run_guest(OrderWord order) {
    for (;;) {
        while (kicked != 0) { // again, where the next turn has come in the nap
            kicked = 0;
            shared_.turns.nap(shared_.orders, order);
        }
        const auto ran = vcpu_.run();
        if (!ran) {
            shared_.exits->failed(vcpu_, ran.error());
            return;
        }
        if (*ran == Ran::Exit)
            shared_.exits->handle(vcpu_);
        else if (shared_.orders.current() != order || shared_.halted.load())
            return;
    }
}

} // namespace segue::vmm
