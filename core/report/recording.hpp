// SPDX-License-Identifier: Apache-2.0
// recording.hpp - reports for tests: one keeps what it was told, one forgets it.
#pragma once

#include <vector>

#include "core/report/report.hpp"

namespace segue::report {

// Read it once the update has ended. [update]
class Recording final : public Report {
public:
    void phase(Phase phase, const UpdateRecord&) override { phases.push_back(phase); }
    void ended(const UpdateRecord& record) override { ends.push_back(record); }

    std::vector<Phase> phases;
    std::vector<UpdateRecord> ends;
};

class Null final : public Report {
public:
    void phase(Phase, const UpdateRecord&) override {}
    void ended(const UpdateRecord&) override {}
};

} // namespace segue::report
