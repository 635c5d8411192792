// SPDX-License-Identifier: Apache-2.0
// inbox.hpp - what the program's main thread waits for.
#pragma once

#include <deque>
#include <mutex>
#include <variant>

#include <segue/cpp/sys.hpp>

#include "core/base/wait.hpp"
#include "core/update/outgoing.hpp"
#include "vmm/devices/guest_events.hpp"

namespace segue::vmm {

struct ShutdownRequest {}; // by the control socket or a signal
struct HandedOver {        // the guest is not ours any more
    update::Left left;
};

struct RamFetched { // of a guest that runs
    bool lost;      // it will never get all of it
};

using News = std::variant<GuestEvent, ShutdownRequest, HandedOver, RamFetched>;

// A queue of one reader. Any thread may put something in.
class Inbox final : public GuestEvents {
public:
    explicit Inbox(UniqueFd event)
        : arrived_(std::move(event)) {}

    void guest_event(const GuestEvent& event) override { put(event); }
    void put(News news) {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(news));
        sys::signal_event(arrived_.get());
    }
    // Readable while there is any: a standby that waits for something else stops for it.
    int fd() const { return arrived_.get(); }
    // Waits for the next. [main]
    News take() {
        for (;;) {
            // Without a deadline: this is the program's idle state.
            (void)Waiter{}.until(arrived_.get(), POLLIN).ok();
            const std::lock_guard lock(mutex_);
            if (queue_.empty())
                continue;
            News news = std::move(queue_.front());
            queue_.pop_front();
            if (queue_.empty())
                sys::clear_event(arrived_.get());
            return news;
        }
    }

private:
    std::mutex mutex_;
    std::deque<News> queue_;
    UniqueFd arrived_; // eventfd
};

} // namespace segue::vmm
