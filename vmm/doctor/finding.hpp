// SPDX-License-Identifier: Apache-2.0
// finding.hpp - one thing that the doctor looked at.
#pragma once

#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::vmm {

struct Finding {
    enum class Verdict {
        Yes,
        Missing, // only some modes or back-ends need it
        No,
    };
    Verdict verdict = Verdict::Yes;
    std::string subject; // "/dev/kvm", "cpr-exec"
    std::string text;
    std::string way_out; // a command where there is one; empty with Yes
};
using Findings = std::vector<Finding>;

inline Finding yes(std::string subject, std::string text) {
    return {Finding::Verdict::Yes, std::move(subject), std::move(text), {}};
}
inline Finding no(std::string subject, const Error& why) {
    return {Finding::Verdict::No, std::move(subject), why.what(), why.way_out()};
}
inline Finding missing(std::string subject, const Error& why) {
    return {Finding::Verdict::Missing, std::move(subject), why.what(), why.way_out()};
}

// In lines: "  yes  SUBJECT  TEXT", and "try: WAY OUT" under it.
std::string to_text(const Findings& findings);
bool any_no(const Findings& findings);

} // namespace segue::vmm
