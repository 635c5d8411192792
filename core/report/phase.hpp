// SPDX-License-Identifier: Apache-2.0
// phase.hpp - the phases of an update, and the states that it shows to the outside.
#pragma once

#include <array>
#include <cstdint>

namespace segue::report {

enum class Phase : std::uint8_t {
    Preflight,
    Prepare,
    Copy,
    Pause,
    Handover,
    Commit,
    Fetch,
    Retire,
    Rollback,
};
inline constexpr std::array kPhaseNames = {"preflight", "prepare", "copy",   "pause",   "handover",
                                           "commit",    "fetch",   "retire", "rollback"};
constexpr const char* name_of(Phase phase) {
    return kPhaseNames[static_cast<std::size_t>(phase)];
}

// QEMU's MigrationStatus names (qapi/migration.json): operators know them.
enum class UpdateStatus : std::uint8_t {
    Setup,
    Active,
    Device,
    Completed,
    Failed,
    Cancelling,
    Cancelled,
    PostcopyActive,  // the guest runs on the new side, and some of its RAM is on the old one
    PostcopyPaused,  // so, and the connection is lost
    PostcopyRecover, // so, and there is another one
};
inline constexpr std::array kUpdateStatusNames = {
    "setup",      "active",    "device",          "completed",       "failed",
    "cancelling", "cancelled", "postcopy-active", "postcopy-paused", "postcopy-recover"};
constexpr const char* name_of(UpdateStatus status) {
    return kUpdateStatusNames[static_cast<std::size_t>(status)];
}
constexpr bool is_final(UpdateStatus s) {
    return s == UpdateStatus::Completed || s == UpdateStatus::Failed ||
           s == UpdateStatus::Cancelled;
}

// How far the switch-over between two hosts is; None on one host, and before it.
enum class SwitchOver : std::uint8_t {
    None,
    Relinquished, // given away: the other side is being told to run the guest
    InDoubt,      // nobody here can know whether it heard that
    ResolvedHere, // an operator has said where the guest is to run
    ResolvedThere,
};
inline constexpr std::array kSwitchOverNames = {"none", "relinquished", "in-doubt", "resolved-here",
                                                "resolved-there"};
constexpr const char* name_of(SwitchOver s) {
    return kSwitchOverNames[static_cast<std::size_t>(s)];
}

// QEMU's RunState names (qapi/run-state.json).
enum class RunState : std::uint8_t {
    Inmigrate,
    Running,
    Paused,
    Suspended,
    FinishMigrate,
    Postmigrate,
    Shutdown
};
inline constexpr std::array kRunStateNames = {
    "inmigrate", "running", "paused", "suspended", "finish-migrate", "postmigrate", "shutdown"};
constexpr const char* name_of(RunState state) {
    return kRunStateNames[static_cast<std::size_t>(state)];
}

} // namespace segue::report
