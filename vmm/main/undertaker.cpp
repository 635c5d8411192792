// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/undertaker.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "core/base/log.hpp"
#include "vmm/vcpu/futex.hpp"

namespace segue::vmm {

namespace {

constexpr std::chrono::seconds kPatience{1};

struct Order {
    int kept;
    pid_t parent;
    FutexWord closed{0};
};

void close_all_but(int kept) noexcept {
    if (kept > 0)
        (void)::syscall(SYS_close_range, 0u, static_cast<unsigned>(kept - 1), 0u);
    (void)::syscall(SYS_close_range, static_cast<unsigned>(kept + 1), UINT_MAX, 0u);
}

// Shares the parent's memory, thread-local storage too: system calls, and nothing else.
int bury(void* argument) noexcept {
    auto& order = *static_cast<Order*>(argument);
    close_all_but(order.kept);
    pollfd parent = {static_cast<int>(::syscall(SYS_pidfd_open, order.parent, 0)), POLLIN, 0};
    order.closed = 1;
    futex_wake_all(order.closed);
    if (parent.fd >= 0)
        (void)::syscall(SYS_poll, &parent, 1, -1);
    ::syscall(SYS_exit_group, 0);
    return 0;
}

} // namespace

void leave_to_undertaker(int kept) noexcept {
    // Used after this function's return, until the process ends.
    alignas(16) static char stack[64u << 10];
    static Order order;
    order.kept = kept;
    order.parent = ::getpid();
    // No exit signal: nobody is told of its end but who reaps orphans.
    if (::clone(bury, stack + sizeof stack, CLONE_VM, &order) < 0) {
        log::warn("no process to leave the memory to: this one's end takes longer");
        return;
    }
    // Its copies of our descriptors must not outlive us.
    (void)futex_wait(order.closed, 0, Deadline::in(kPatience));
}

} // namespace segue::vmm
