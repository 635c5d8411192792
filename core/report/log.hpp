// SPDX-License-Identifier: Apache-2.0
// log.hpp - an update in the process's log.
#pragma once

#include "core/report/report.hpp"

namespace segue::report {

// A line for the end and for each phase but those of the pause. [update]
class Log final : public Report {
public:
    void phase(Phase phase, const UpdateRecord& record) override;
    void ended(const UpdateRecord& record) override;
};

} // namespace segue::report
