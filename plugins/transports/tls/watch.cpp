// SPDX-License-Identifier: Apache-2.0
#include "watch.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <array>
#include <cerrno>

namespace tls {

using namespace segue;

Result<Watch> Watch::make() {
    Watch w;
    w.epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!w.epoll_)
        return Error::from_errno(errno, "epoll_create1");
    w.timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!w.timer_)
        return Error::from_errno(errno, "timerfd_create");
    SEGUE_TRY(w.add(w.timer_.get(), EPOLLIN));
    return w;
}

Status Watch::add(int fd, std::uint32_t events) {
    epoll_event e = {};
    e.events = events;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &e) != 0)
        return Error::from_errno(errno, "epoll_ctl");
    return {};
}

Status Watch::change(int fd, std::uint32_t events) {
    epoll_event e = {};
    e.events = events;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &e) != 0)
        return Error::from_errno(errno, "epoll_ctl");
    return {};
}

// steady_clock is CLOCK_MONOTONIC on Linux (libstdc++, libc++).
Status Watch::wake_at(std::chrono::steady_clock::time_point moment) {
    const auto ns = std::chrono::nanoseconds(moment.time_since_epoch()).count();
    itimerspec t = {};
    t.it_value.tv_sec = ns / 1'000'000'000;
    t.it_value.tv_nsec = ns % 1'000'000'000;
    if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &t, nullptr) != 0)
        return Error::from_errno(errno, "timerfd_settime");
    return {};
}

void Watch::sleep() noexcept {
    const itimerspec never = {};
    (void)::timerfd_settime(timer_.get(), 0, &never, nullptr);
}

void Watch::clear() {
    std::array<epoll_event, 4> events;
    (void)::epoll_wait(epoll_.get(), events.data(), events.size(), 0);
}

} // namespace tls
