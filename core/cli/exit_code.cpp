// SPDX-License-Identifier: Apache-2.0
#include "core/cli/exit_code.hpp"

#include "core/control/client.hpp"

namespace segue::cli {

ExitCode exit_code_of(const Error& error) {
    if (control::is_no_guest(error))
        return ExitCode::NoGuest;
    switch (error.code()) {
    case Code::Invalid:
        return ExitCode::Usage;
    case Code::Refused:
    case Code::Exists:
    case Code::Unsupported:
    case Code::Phase:
        return ExitCode::Refused;
    case Code::Cancelled:
        return ExitCode::Cancelled;
    case Code::Deadline:
    case Code::Again:
        return ExitCode::Timeout;
    default:
        return ExitCode::Failed;
    }
}

ExitCode exit_code_of(const report::UpdateRecord& record) {
    if (record.status == report::UpdateStatus::Completed)
        return ExitCode::Ok;
    if (record.status == report::UpdateStatus::Cancelled)
        return ExitCode::Cancelled;
    const bool began =
        !record.error || record.error->detail("phase") != report::name_of(report::Phase::Preflight);
    return began ? ExitCode::Failed : ExitCode::Refused;
}

} // namespace segue::cli
