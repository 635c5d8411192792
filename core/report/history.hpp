// SPDX-License-Identifier: Apache-2.0
// history.hpp - what a guest's journal says, one record an update.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/report/record.hpp"

namespace segue::report {

struct History {
    // In the order in which they began. A status that is not final: the update still runs, or
    // nobody wrote down how it ended.
    std::vector<UpdateRecord> records;
    std::size_t damaged = 0; // lines that are no records: torn, or spoilt
};

// From the newest `max_bytes` of the journal at `path` and its older file; of several lines of one
// update the last counts. Nothing there: an empty history. Any file is safe to read. [any]
using Decode = std::function<Result<UpdateRecord>(std::string_view line)>;
inline constexpr std::size_t kWholeHistory = 8u << 20;
Result<History> read_history(const std::string& path, const Decode& decode,
                             std::size_t max_bytes = kWholeHistory);

} // namespace segue::report
