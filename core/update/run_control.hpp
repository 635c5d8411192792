// SPDX-License-Identifier: Apache-2.0
// run_control.hpp - the guest's run state, and the only code that stops it and lets it go on.
#pragma once

#include <functional>
#include <mutex>

#include <segue/cpp/result.hpp>

#include "core/base/deadline.hpp"
#include "core/ports/devices.hpp"
#include "core/ports/vcpus.hpp"
#include "core/report/phase.hpp"

namespace segue::update {

// Thread-safe. An update holds it from begin() to the end of the update; pause and resume by hand
// are refused meanwhile.
class RunControl {
public:
    explicit RunControl(report::RunState state)
        : state_(state) {}
    // Once the machine is made, before anything else is called. Both outlive this. [main]
    void attach(ports::Vcpus& vcpus, ports::Devices& devices) {
        vcpus_ = &vcpus;
        devices_ = &devices;
    }

    report::RunState state() const;

    // By hand. EXISTS while an update holds the guest. One that sleeps is no less asleep after
    // both. [control]
    Status pause();
    Status resume();
    // Of a suspended guest: `waking()` makes the machine ready, then it runs. REFUSED where it is
    // not suspended; an error of waking() leaves it so. EXISTS while an update holds it. [control]
    Status wake(const std::function<Status()>& waking);

    // Generation 1, with the ownership record made: the guest starts. [main]
    void start();
    // The guest stopped itself: `again()` makes the machine anew, then it runs. An error leaves it
    // `paused`. [main]
    Status restart(const std::function<Status()>& again);

    // The guest went to sleep by itself, also in an update, which then moves a guest that sleeps.
    // An error: a device is not quiet yet; it is suspended all the same. [main]
    Status suspend();

    // EXISTS where another update holds it. [update]
    Status begin();
    void finish(); // of an update that left the guest here
    // Guest running: the devices take no new host I/O any more, until stop() or go_on().
    Status settle(Deadline deadline);
    // For a moment of a running guest, which nobody is told of: settles the devices, stops all as
    // stop() does, calls `act`, and lets the guest go on, whatever that answers. Where it does not
    // run, it stays as it is. Gives how long it stood still.
    Result<std::chrono::nanoseconds> while_still(Deadline drain, Deadline stop,
                                                 const std::function<Status()>& act);
    // Keeps the vCPUs out of the guest for `percent` of the time, until it is given away or goes
    // on; after that it does nothing.
    void throttle(unsigned percent) noexcept;
    // Stops vCPUs, then devices: `finish-migrate`. On an error the guest goes on as it was.
    Status stop(Deadline deadline);
    // Once it has stopped: requests of the guest's that wait for whoever runs it next.
    unsigned requests_waiting() const { return devices_->requests_waiting(); }
    // Takes the guest back to the state before settle() and stop(). Idempotent. [update, watchdog]
    void go_on() noexcept;
    // Given to another host, which may not have heard: `postmigrate` until gone() or go_on().
    void in_doubt();
    // The other generation owns it now: `postmigrate`, for ever.
    void gone();
    // New side, right after the commit: opens the gate if the guest was running. Cannot fail.
    void take_over(report::RunState before, bool asleep) noexcept;
    // What the state is once this update is over.
    report::RunState before() const;
    // The guest is suspended, also where it is paused besides.
    bool asleep() const;

private:
    void run_as(report::RunState state) noexcept;
    Status stop_vcpus(Deadline deadline);
    Status stop_all(Deadline deadline);

    ports::Vcpus* vcpus_ = nullptr;
    ports::Devices* devices_ = nullptr;
    mutable std::mutex mutex_;
    report::RunState state_;
    report::RunState before_ = report::RunState::Running; // while stopped by an update
    bool may_throttle_ = false; // an update has the guest, and has not given it back
    bool held_ = false, settled_ = false, stopped_ = false, asleep_ = false;
};

} // namespace segue::update
