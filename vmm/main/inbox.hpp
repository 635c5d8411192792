// SPDX-License-Identifier: Apache-2.0
// inbox.hpp - what the program's main thread waits for.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <variant>

#include "vmm/devices/guest_events.hpp"

namespace segue::vmm {

struct ShutdownRequest {}; // by the control socket or a signal
struct HandedOver {};      // another process owns the guest now

using News = std::variant<GuestEvent, ShutdownRequest, HandedOver>;

// A queue of one reader. Any thread may put something in.
class Inbox final : public GuestEvents {
public:
    void guest_event(const GuestEvent& event) override { put(event); }
    void put(News news) {
        {
            const std::lock_guard lock(mutex_);
            queue_.push_back(std::move(news));
        }
        arrived_.notify_one();
    }
    // Waits for the next. [main]
    News take() {
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [this] { return !queue_.empty(); });
        News news = std::move(queue_.front());
        queue_.pop_front();
        return news;
    }

private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<News> queue_;
};

} // namespace segue::vmm
