// SPDX-License-Identifier: Apache-2.0
#include "core/cli/interrupts.hpp"

#include <pthread.h>
#include <sys/signalfd.h>

#include <segue/cpp/sys.hpp>

namespace segue::cli {
namespace {

sigset_t both() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGHUP);
    return set;
}

} // namespace

// Without the signalfd the two are blocked all the same: this is ended by other means then.
Interrupts::Interrupts() {
    const sigset_t set = both();
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    signals_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

// A signal that came with the last event was for what is over now.
Interrupts::~Interrupts() {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Interrupts::Event Interrupts::wait(std::chrono::milliseconds time, bool asking) {
    pollfd p[2] = {{signals_.get(), POLLIN, 0}, {asking ? STDIN_FILENO : -1, POLLIN, 0}};
    if (::poll(p, 2, static_cast<int>(time.count())) <= 0)
        return Event::None;
    signalfd_siginfo info;
    if (p[0].revents != 0 && ::read(signals_.get(), &info, sizeof info) == sizeof info)
        return info.ssi_signo == SIGHUP ? Event::HangUp : Event::Interrupt;
    if (p[1].revents == 0)
        return Event::None;
    char line[64] = {};
    yes_ = ::read(STDIN_FILENO, line, sizeof line) > 0 && (line[0] == 'y' || line[0] == 'Y');
    return Event::Answer;
}

} // namespace segue::cli
