// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/turns.hpp"

#include <signal.h>

#include <chrono>

namespace segue::vmm {

namespace {

constexpr std::chrono::microseconds kPeriod = std::chrono::milliseconds(10);

} // namespace

void Turns::set(unsigned percent, std::span<const pid_t> threads, int signal) noexcept {
    percent_.store(percent, std::memory_order_relaxed);
    if (percent == 0)
        return stop();
    if (!timers_.empty())
        return;
    timers_.reserve(threads.size());
    for (const pid_t thread : threads) {
        sigevent event = {};
        event.sigev_notify = SIGEV_THREAD_ID;
        event.sigev_signo = signal;
        event._sigev_un._tid = thread; // sigevent(3type): sigev_notify_thread_id
        timer_t timer = {};
        if (::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
            continue;
        const timespec period = {0, std::chrono::nanoseconds(kPeriod).count()};
        const itimerspec times = {period, period};
        (void)::timer_settime(timer, 0, &times, nullptr);
        timers_.push_back(timer);
    }
}

void Turns::nap(Orders& orders, OrderWord order) const noexcept {
    const unsigned percent = percent_.load(std::memory_order_relaxed);
    if (percent != 0)
        orders.nap(order, Deadline::in(kPeriod * percent / 100));
}

void Turns::stop() noexcept {
    for (const timer_t timer : timers_)
        (void)::timer_delete(timer);
    timers_.clear();
}

} // namespace segue::vmm
