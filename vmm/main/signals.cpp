// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/signals.hpp"

#include <pthread.h>
#include <sys/signalfd.h>

#include <csignal>

#include <segue/cpp/sys.hpp>

#include "core/base/wait.hpp"

namespace segue::vmm {

namespace {

sigset_t both() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGTERM);
    ::sigaddset(&set, SIGINT);
    return set;
}

} // namespace

Status block_signals() {
    const sigset_t set = both();
    if (const int e = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); e != 0)
        return Error::from_errno(e, "pthread_sigmask");
    for (const int s : {SIGPIPE, SIGXFSZ}) // what fails says so: EPIPE, EFBIG
        if (::signal(s, SIG_IGN) == SIG_ERR)
            return Error::from_errno(errno, "signal " + std::to_string(s));
    return {};
}

Result<Signals> Signals::watch(Inbox& inbox) {
    const sigset_t set = both();
    UniqueFd arrived(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!arrived)
        return Error::from_errno(errno, "signalfd");
    SEGUE_ASSIGN(UniqueFd stop, sys::event());
    std::thread thread([&inbox, fd = std::move(arrived), stop_fd = stop.get()] {
        ::pthread_setname_np(::pthread_self(), "signals");
        const Waiter wait{Deadline::never(), stop_fd, -1};
        signalfd_siginfo info;
        while (wait.until(fd.get(), POLLIN))
            if (::read(fd.get(), &info, sizeof info) == sizeof info)
                inbox.put(ShutdownRequest{});
    });
    return Signals(std::move(stop), std::move(thread));
}

Signals::~Signals() {
    if (!thread_.joinable())
        return;
    sys::signal_event(stop_.get());
    thread_.join();
}

} // namespace segue::vmm
