// SPDX-License-Identifier: Apache-2.0
#include "core/report/log.hpp"

#include "core/base/log.hpp"
#include "core/report/terminal.hpp"

namespace segue::report {

// While the guest stands still nothing is written: the record has the times, and ended() tells.
void Log::phase(Phase phase, const UpdateRecord& record) {
    if (phase == Phase::Pause || phase == Phase::Handover || phase == Phase::Commit)
        return;
    // A successor knows which update it is of once it has read what the owner says.
    log::info((record.id.empty() ? "as a successor: " : "update " + record.id + ": ") +
              name_of(phase));
}

void Log::ended(const UpdateRecord& record) {
    const auto line = result_line(record);
    if (record.status == UpdateStatus::Completed)
        log::info(line);
    else
        log::warn(line);
}

} // namespace segue::report
