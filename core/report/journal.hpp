// SPDX-License-Identifier: Apache-2.0
// journal.hpp - every update of a guest, a JSON line each, kept across generations.
#pragma once

#include <functional>
#include <string>

#include <segue/cpp/result.hpp>

#include "core/report/report.hpp"

namespace segue::report {

// One line when an update has ended, written by one write(2) and synced, so that lines of two
// generations never mix and the last one is whole. What fails goes to the log: the guest matters
// more. [update]
class Journal final : public Report {
public:
    // The record as one line of JSON without a line feed.
    using Encode = std::function<std::string(const UpdateRecord&)>;
    Journal(std::string path, Encode encode)
        : path_(std::move(path))
        , encode_(std::move(encode)) {}

    void phase(Phase, const UpdateRecord&) override {}
    void progress(std::uint64_t, std::uint64_t) override {}
    void ended(const UpdateRecord& record) override;
    // A line whose status is not final: the update went no further than that, as far as we know.
    Status relinquished(const UpdateRecord& record) override { return append(record); }

    // INVALID where the line is longer than 64 KiB; Io names the file.
    Status append(const UpdateRecord& record) const;

private:
    std::string path_;
    Encode encode_;
};

} // namespace segue::report
