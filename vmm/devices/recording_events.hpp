// SPDX-License-Identifier: Apache-2.0
// recording_events.hpp - remembers guest events, for tests.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

#include "core/base/deadline.hpp"
#include "vmm/devices/guest_events.hpp"

namespace segue::vmm {

class RecordingEvents final : public GuestEvents {
public:
    void guest_event(const GuestEvent& event) override {
        const std::lock_guard lock(mutex_);
        events_.push_back(event);
        changed_.notify_all();
    }
    std::vector<GuestEvent> all() const {
        const std::lock_guard lock(mutex_);
        return events_;
    }
    // Until `n` have been told.
    bool wait(std::size_t n, Deadline deadline) {
        std::unique_lock lock(mutex_);
        return changed_.wait_until(lock, deadline.at(), [&] { return events_.size() >= n; });
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<GuestEvent> events_;
};

} // namespace segue::vmm
