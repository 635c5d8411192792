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

bool Watchdog::disarm() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !acting_; });
    act_ = nullptr;
    return fired_;
}

void Watchdog::loop(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        if (!act_ || deadline_.is_never()) {
            changed_.wait(lock, stop, [this] { return act_ && !deadline_.is_never(); });
            continue;
        }
        if (!deadline_.passed()) {
            const Deadline::Clock::time_point until = deadline_.at();
            changed_.wait_until(lock, stop, until,
                                [&] { return !act_ || deadline_.at() != until; });
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
