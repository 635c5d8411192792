// SPDX-License-Identifier: Apache-2.0
// tee.hpp - several reports as one.
#pragma once

#include <utility>
#include <vector>

#include "core/report/report.hpp"

namespace segue::report {

// Tells each in order; the reports outlive it. [update]
class Tee final : public Report {
public:
    explicit Tee(std::vector<Report*> reports)
        : reports_(std::move(reports)) {}

    void phase(Phase phase, const UpdateRecord& record) override {
        for (Report* report : reports_)
            report->phase(phase, record);
    }
    void ended(const UpdateRecord& record) override {
        for (Report* report : reports_)
            report->ended(record);
    }
    Status switching_over(const UpdateRecord& record) override {
        for (Report* report : reports_)
            SEGUE_TRY(report->switching_over(record));
        return {};
    }

private:
    std::vector<Report*> reports_;
};

} // namespace segue::report
