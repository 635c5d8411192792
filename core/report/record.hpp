// SPDX-License-Identifier: Apache-2.0
// record.hpp - one update, as reports, the journal and the control socket show it. It travels with
// the guest's state, so the new generation answers for both halves.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <segue/cpp/error.hpp>

#include "core/report/copy_progress.hpp"
#include "core/report/fault_times.hpp"
#include "core/report/phase.hpp"

namespace segue::report {

struct PhaseTime {
    Phase phase = Phase::Preflight;
    std::chrono::nanoseconds began{}; // CLOCK_MONOTONIC, the same on both sides of one host
    std::chrono::nanoseconds ended{}; // 0: still in it
};

// Plain data. Times of day are seconds since the epoch.
struct UpdateRecord {
    std::string id;    // "<generation>-<attempt>", unique for a guest
    std::string guest; // its uuid: a name may get another guest, whose ids begin anew
    std::string mode;
    bool rehearsal = false; // the guest stays in any case; completed: it could have been moved
    UpdateStatus status = UpdateStatus::Setup;
    SwitchOver switch_over = SwitchOver::None;
    std::uint32_t from_generation = 0;
    std::uint32_t attempt = 0;
    std::string from_version, to_version;
    std::int32_t from_pid = 0, to_pid = 0;
    std::int64_t began_at = 0, ended_at = 0;
    std::vector<PhaseTime> phases; // in order
    // What the successor did on its side until it had the state; what of it lies in the handover is
    // where that went.
    std::vector<PhaseTime> successor_phases;
    std::vector<std::string> warnings; // what an operator should know of this update
    std::optional<CopyProgress> copy;  // where the mode told of one
    std::uint64_t ram_bytes_copied = 0;
    // Of RAM that the guest, which runs on the new side, still depends on the old side for.
    std::uint64_t ram_bytes_left = 0;
    std::optional<FaultTimes> faults; // of whoever needed some of that before it was there
    std::uint64_t state_bytes = 0;
    // Made available by the guest, taken by no device when it stopped; done by who has it next.
    std::uint64_t requests_in_flight = 0;
    std::chrono::nanoseconds blackout{}; // from the last vCPU's stop to the gate's opening
    // For how long the control socket answered 503: while a holder had it.
    std::chrono::nanoseconds unanswered{};
    std::optional<Error> error; // details "phase", and the thing by its kind
    // What the client called its request, and what that was: a repeated one is the same update,
    // also where the next generation gets it. Empty: the client gave it no name.
    std::string key, request_digest;
};

inline bool has_phase(const UpdateRecord& record, Phase phase) {
    for (const PhaseTime& p : record.phases)
        if (p.phase == phase)
            return true;
    return false;
}

} // namespace segue::report
