// SPDX-License-Identifier: Apache-2.0
// journal.hpp - every update of a guest, a JSON line each, kept across generations, crashes and
// reboots. docs/reference/journal.md describes the file.
#pragma once

#include <functional>
#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/report/report.hpp"

namespace segue::report {

struct JournalLimits {
    std::size_t line = 64u << 10;  // bytes
    std::uint64_t file = 1u << 20; // bytes, then the next line begins a new file
};

// Where the lines before those in `path` are; what was there is dropped at the next change.
inline std::string older_journal(const std::string& path) {
    return path + ".1";
}

// One line when an update begins, one when it has ended, each by one write(2) and synced, so that
// lines of two generations never mix. Nothing is written between the two: the guest may stand
// still. What fails goes to the log: the guest matters more. [update]
class Journal final : public Report {
public:
    // The record as one line of JSON without a line feed.
    using Encode = std::function<std::string(const UpdateRecord&)>;
    Journal(std::string path, Encode encode, JournalLimits limits = {})
        : path_(std::move(path))
        , encode_(std::move(encode))
        , limits_(limits) {}

    void phase(Phase phase, const UpdateRecord& record) override;
    void ended(const UpdateRecord& record) override { append_or_log(record); }
    // A line whose status is not final: the update went no further than that, as far as we know.
    Status switching_over(const UpdateRecord& record) override { return append(record); }

    // INVALID where the line is too long; Io names the file. [any]
    Status append(const UpdateRecord& record) const;

private:
    void append_or_log(const UpdateRecord& record) const;
    Result<UniqueFd> open() const;

    std::string path_;
    Encode encode_;
    JournalLimits limits_;
};

} // namespace segue::report
