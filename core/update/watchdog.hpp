// SPDX-License-Identifier: Apache-2.0
// watchdog.hpp - acts when a call into a plugin does not come back.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "core/base/deadline.hpp"

namespace segue::update {

// A thread that exists from the start of an update, so that none is made in the pause.
class Watchdog {
public:
    Watchdog();
    ~Watchdog();
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;

    // `act` runs on the watchdog's thread once the deadline passes before disarm(). [update]
    void arm(Deadline deadline, std::function<void()> act);
    // Brings the deadline of the call in progress forward. [any]
    void hasten(Deadline deadline);
    // While `own` lives the call in progress does work of ours, which has deadlines of its own; the
    // call gets `grace` after that, where its own deadline has passed meanwhile. [update]
    class Own {
    public:
        Own(Watchdog& watchdog, std::chrono::microseconds grace);
        ~Own();
        Own(const Own&) = delete;
        Own& operator=(const Own&) = delete;

    private:
        Watchdog& watchdog_;
        const std::chrono::microseconds grace_;
    };
    // Waits for an `act` in progress. True: it has run, and whatever the caller was doing is not
    // his any more.
    bool disarm();

private:
    void loop(const std::stop_token& stop);

    std::mutex mutex_;
    std::condition_variable_any changed_;
    Deadline deadline_ = Deadline::never();
    std::function<void()> act_;
    bool fired_ = false, acting_ = false, own_ = false;
    std::jthread thread_; // last: it uses the rest
};

} // namespace segue::update
