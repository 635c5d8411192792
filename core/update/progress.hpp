// SPDX-License-Identifier: Apache-2.0
// progress.hpp - the record of the update in hand: written by the update thread, read by anyone.
#pragma once

#include <mutex>

#include "core/report/report.hpp"
#include "core/update/round_meter.hpp"

namespace segue::update {

// Nanoseconds of CLOCK_MONOTONIC: the same clock in every process of one host.
std::chrono::nanoseconds monotonic_now();
// By that clock; 0 before the pause.
std::chrono::nanoseconds paused_at(const report::UpdateRecord& record);

// Thread-safe around one UpdateRecord; tells the Report about every edge.
class Progress {
public:
    Progress(report::Report& report, report::UpdateRecord record)
        : report_(report)
        , record_(std::move(record)) {}

    report::UpdateRecord snapshot() const;

    // Ends the phase in hand and begins `phase`. [update]
    void enter(report::Phase phase);
    report::Phase phase() const;
    // What the phase in hand has come to. [any]
    void set(report::UpdateStatus status) {
        change([status](report::UpdateRecord& r) { r.status = status; });
    }
    // For the log, and for whoever watches. [update]
    void warn(const std::string& text);
    // Of RAM that is copied, in a phase before the guest is given away. [any]
    void copied(std::uint64_t done, std::uint64_t total);
    void throttled(unsigned percent);
    // The mode looked at what the guest wrote: so much is left. [any]
    void looked(std::uint64_t left, const Sent& sent);
    template <class F>
    void change(F f) {
        const std::lock_guard lock(mutex_);
        f(record_);
    }
    // Durable on return. [update]
    Status note(report::SwitchOver how_far) {
        change([how_far](report::UpdateRecord& r) { r.switch_over = how_far; });
        return report_.switching_over(snapshot());
    }
    // Ends the last phase, sets the status and the error, and tells the report. [update]
    void end(report::UpdateStatus status, std::optional<Error> error);

private:
    void close_phase();

    report::Report& report_;
    mutable std::mutex mutex_;
    report::UpdateRecord record_;
    RoundMeter rounds_;
};

} // namespace segue::update
