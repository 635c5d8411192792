// SPDX-License-Identifier: Apache-2.0
#include "core/update/progress.hpp"

#include <ctime>

#include "core/base/log.hpp"

namespace segue::update {

using report::Phase;
using report::UpdateStatus;

namespace {

// QEMU's name for what a phase is to the outside; `completed` only ever follows the commit.
UpdateStatus status_in(Phase phase) {
    switch (phase) {
    case Phase::Preflight:
    case Phase::Prepare:
        return UpdateStatus::Setup;
    case Phase::Fetch:
        return UpdateStatus::PostcopyActive;
    case Phase::Pause:
    case Phase::Handover:
    case Phase::Commit:
        return UpdateStatus::Device;
    default:
        return UpdateStatus::Active;
    }
}

report::CopyProgress& copy_of(report::UpdateRecord& record) {
    return record.copy ? *record.copy : record.copy.emplace();
}

} // namespace

std::chrono::nanoseconds monotonic_now() {
    timespec t = {};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

std::chrono::nanoseconds paused_at(const report::UpdateRecord& record) {
    for (const report::PhaseTime& p : record.phases)
        if (p.phase == Phase::Pause)
            return p.began;
    return {};
}

report::UpdateRecord Progress::snapshot() const {
    const std::lock_guard lock(mutex_);
    return record_;
}

report::Phase Progress::phase() const {
    const std::lock_guard lock(mutex_);
    return record_.phases.empty() ? Phase::Preflight : record_.phases.back().phase;
}

void Progress::close_phase() {
    if (!record_.phases.empty() && record_.phases.back().ended.count() == 0)
        record_.phases.back().ended = monotonic_now();
}

void Progress::enter(Phase phase) {
    {
        const std::lock_guard lock(mutex_);
        close_phase();
        record_.phases.push_back({phase, monotonic_now(), {}});
        if (phase != Phase::Rollback)
            record_.status = status_in(phase);
    }
    // Without the lock: a report may wait, and others still want to read. Only this thread writes.
    report_.phase(phase, record_);
}

void Progress::copied(std::uint64_t done, std::uint64_t total) {
    change([&](report::UpdateRecord& r) {
        report::CopyProgress& copy = copy_of(r);
        copy.done = done;
        copy.total = total;
    });
}

void Progress::throttled(unsigned percent) {
    change([percent](report::UpdateRecord& r) { copy_of(r).throttle = percent; });
}

void Progress::looked(std::uint64_t left, const Sent& sent) {
    change([&](report::UpdateRecord& r) { rounds_.look(left, sent, copy_of(r)); });
}

void Progress::warn(const std::string& text) {
    change([&text](report::UpdateRecord& r) { r.warnings.push_back(text); });
    log::warn("update " + snapshot().id + ": " + text);
}

void Progress::end(UpdateStatus status, std::optional<Error> error) {
    {
        const std::lock_guard lock(mutex_);
        close_phase();
        record_.status = status;
        record_.error = std::move(error);
        record_.ended_at = std::time(nullptr);
    }
    report_.ended(record_);
}

} // namespace segue::update
