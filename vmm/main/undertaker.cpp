// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/undertaker.hpp"

#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include <segue/cpp/sys.hpp>

#include "core/base/wait.hpp"

namespace segue::vmm {

struct Undertaker::Order {
    std::vector<int> kept; // and the line, in ascending order
    UniqueFd ours;         // closes when this process ends, or executes another program,
    int line = -1;  // which the child reads here: the number stays, whoever closes his copy when
    int pidfd = -1; // of the child
    alignas(16) std::array<char, 16u << 10> stack;
    alignas(16) std::array<char, 16u << 10> stack_between;
};

namespace {

constexpr std::chrono::seconds kPatience{1};

void close_range(int first, unsigned last) noexcept {
    if (static_cast<unsigned>(first) <= last)
        (void)::syscall(SYS_close_range, first, last, 0u);
}

void close_all_but(const std::vector<int>& kept) noexcept {
    int next = 0;
    for (const int fd : kept) {
        if (fd > next)
            close_range(next, static_cast<unsigned>(fd - 1));
        next = fd + 1;
    }
    close_range(next, UINT_MAX);
}

} // namespace

// Shares the parent's memory, thread-local storage too: system calls, and nothing else.
int Undertaker::bury(void* argument) noexcept {
    const auto& order = *static_cast<Order*>(argument);
    const int line = order.line;
    close_all_but(order.kept);
    const char closed = 1;
    (void)::syscall(SYS_write, line, &closed, 1);
    pollfd end = {line, 0, 0}; // a hang-up is told always
    while (::syscall(SYS_poll, &end, 1, -1) < 0) {
    }
    ::syscall(SYS_exit_group, 0);
    return 0;
}

// Ends at once, and leaves the child an orphan.
int Undertaker::between(void* argument) noexcept {
    auto& order = *static_cast<Order*>(argument);
    const int made = ::clone(bury, order.stack.data() + order.stack.size(), CLONE_VM | CLONE_PIDFD,
                             &order, &order.pidfd);
    ::syscall(SYS_exit_group, made < 0 ? errno : 0);
    return 0;
}

Undertaker::Undertaker(std::unique_ptr<Order> order)
    : order_(std::move(order)) {}

Result<std::unique_ptr<Undertaker>> Undertaker::start(std::vector<int> kept) {
    auto order = std::make_unique<Order>();
    order->kept = std::move(kept);
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return Error::from_errno(errno, "socketpair");
    order->ours.reset(pair[0]);
    UniqueFd theirs(pair[1]);
    order->line = theirs.get();
    order->kept.push_back(order->line);
    std::sort(order->kept.begin(), order->kept.end());
    // The same table of descriptors, for the pidfd; no exit signal; done when clone() returns.
    const pid_t pid = ::clone(between, order->stack_between.data() + order->stack_between.size(),
                              CLONE_VM | CLONE_VFORK | CLONE_FILES, order.get());
    if (pid < 0)
        return Error::from_errno(errno, "clone");
    int status = 0;
    if (::waitpid(pid, &status, __WALL) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return Error::from_errno(WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD, "clone");
    theirs.reset();
    const int ours = order->ours.get();
    std::unique_ptr<Undertaker> made(new Undertaker(std::move(order)));
    // Its copies of our descriptors must not outlive what we do with ours.
    SEGUE_TRY(Waiter{Deadline::in(kPatience)}.until(ours, POLLIN));
    char closed = 0;
    if (::recv(ours, &closed, 1, MSG_DONTWAIT) != 1)
        return Error(Code::Closed, "the child ended at once");
    return made;
}

Undertaker::~Undertaker() {
    order_->ours.reset();
    const UniqueFd pidfd(order_->pidfd);
    if (!Waiter{Deadline::in(kPatience)}.until(pidfd.get(), POLLIN))
        (void)order_.release(); // it stands on that
}

} // namespace segue::vmm
