// SPDX-License-Identifier: Apache-2.0
// report.hpp - what the engine tells, in place of log lines.
#pragma once

#include <cstdint>

#include <segue/cpp/result.hpp>

#include "core/report/record.hpp"

namespace segue::report {

// Called by the engine on its update thread; an implementation may block it (tests do), must not
// throw. The record is the engine's, valid during the call.
class Report {
public:
    virtual ~Report() = default;
    Report(const Report&) = delete;
    Report& operator=(const Report&) = delete;

    // A phase begins; on its end the next one begins, or ended() is called.
    virtual void phase(Phase phase, const UpdateRecord& record) = 0;
    // The status is final (on the outgoing side, or on the side that carries the guest on).
    virtual void ended(const UpdateRecord& record) = 0;
    // Between two hosts, before a step of record.switch_over is taken: what must be known after a
    // crash is durable on return.
    virtual Status switching_over(const UpdateRecord&) { return {}; }

protected:
    Report() = default;
};

} // namespace segue::report
