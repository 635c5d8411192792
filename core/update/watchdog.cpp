// SPDX-License-Identifier: Apache-2.0
#include "core/update/watchdog.hpp"

#include <pthread.h>

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
    changed_.notify_one();
}

void Watchdog::hasten(Deadline deadline) {
    const std::lock_guard lock(mutex_);
    deadline_ = earlier(deadline_, deadline);
    changed_.notify_one();
}

bool Watchdog::disarm() {
    const std::lock_guard lock(mutex_); // waits for an act in progress
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
        fired_ = true;
        act_();
        act_ = nullptr;
    }
}

} // namespace segue::update
