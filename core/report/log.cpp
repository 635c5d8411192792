// SPDX-License-Identifier: Apache-2.0
#include "core/report/log.hpp"

#include "core/base/log.hpp"
#include "core/report/terminal.hpp"

namespace segue::report {

void Log::phase(Phase phase, const UpdateRecord& record) {
    log::info("update " + record.id + ": " + name_of(phase));
}

void Log::ended(const UpdateRecord& record) {
    const auto line = result_line(record);
    if (record.status == UpdateStatus::Completed)
        log::info(line);
    else
        log::warn(line);
}

} // namespace segue::report
