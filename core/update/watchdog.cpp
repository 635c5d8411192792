// SPDX-License-Identifier: Apache-2.0
#include "core/update/watchdog.hpp"

#include <pthread.h>

#include <utility>

namespace segue::update {

Watchdog::Watchdog()
    : thread_([this](const std::stop_token& stop) { loop(stop); }) {
    ::pthread_setname_np(thread_.native_handle(), "watchdog");
}

Watchdog::~Watchdog() = default;

void Watchdog::arm(Deadline deadline, std::function<void()> act) {
    const std::lock_guard lock(mutex_);
    deadline_ = deadline;
    act_ = std::move(act);
    fired_ = false;
    changed_.notify_all();
}

void Watchdog::hasten(Deadline deadline) {
    const std::lock_guard lock(mutex_);
    deadline_ = earlier(deadline_, deadline);
    changed_.notify_all();
}

Watchdog::Own::Own(Watchdog& watchdog, std::chrono::microseconds grace)
    : watchdog_(watchdog)
    , grace_(grace) {
    const std::lock_guard lock(watchdog_.mutex_);
    watchdog_.own_ = true;
}

Watchdog::Own::~Own() {
    const std::lock_guard lock(watchdog_.mutex_);
    watchdog_.own_ = false;
    if (watchdog_.deadline_.passed())
        watchdog_.deadline_ = Deadline::in(grace_);
    watchdog_.changed_.notify_all();
}

bool Watchdog::disarm() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !acting_; });
    act_ = nullptr;
    return fired_;
}

void Watchdog::loop(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        const auto on_watch = [this] { return act_ && !own_ && !deadline_.is_never(); };
        if (!on_watch()) {
            changed_.wait(lock, stop, on_watch);
            continue;
        }
        if (!deadline_.passed()) {
            const Deadline::Clock::time_point until = deadline_.at();
            changed_.wait_until(lock, stop, until,
                                [&] { return !on_watch() || deadline_.at() != until; });
            continue;
        }
        // Not under the lock: who hastens may hold what the act waits for.
        fired_ = acting_ = true;
        const std::function<void()> act = std::exchange(act_, nullptr);
        lock.unlock();
        act();
        lock.lock();
        acting_ = false;
        changed_.notify_all();
    }
}

} // namespace segue::update
