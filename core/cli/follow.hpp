// SPDX-License-Identifier: Apache-2.0
// follow.hpp - an update, watched to its end: shown, asked about, left alone.
#pragma once

#include "core/cli/exit_code.hpp"
#include "core/control/client.hpp"

namespace segue::cli {

// The VMM performs the update, so whatever ends this ends nothing. An interrupt asks on the
// terminal whether to cancel; a second one, one without a terminal, and a hang-up detach.
// Where nobody answers for `grace`, not even that the guest is between two generations, the VMM is
// taken for lost; unless `journal` says how it ended. Signals are as they were when this returns.
ExitCode follow(const control::Client& client, report::UpdateRecord record, bool json,
                const std::string& journal = {},
                std::chrono::milliseconds grace = std::chrono::seconds(10));

} // namespace segue::cli
