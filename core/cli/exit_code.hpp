// SPDX-License-Identifier: Apache-2.0
// exit_code.hpp - what `segue` tells scripts. Stable: documented in its --help.
#pragma once

#include <segue/cpp/error.hpp>

#include "core/report/record.hpp"

namespace segue::cli {

enum class ExitCode : int {
    Ok = 0,
    Failed = 1,    // an update was rolled back, or a command failed; the guest is unharmed
    Usage = 2,     // the command line or the configuration is wrong
    Refused = 3,   // understood and declined; nothing was begun
    Cancelled = 4, // the update was cancelled
    NoGuest = 5,   // no guest of that name runs
    Timeout = 6,   // no answer in time
    Unknown = 7,   // the VMM was lost during the update: its outcome is not known
    Detached = 8,  // no longer watched: the update goes on
};

ExitCode exit_code_of(const Error& error);
ExitCode exit_code_of(const report::UpdateRecord& record); // of a final status

} // namespace segue::cli
