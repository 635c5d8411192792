// SPDX-License-Identifier: Apache-2.0
#include "vmm/doctor/finding.hpp"

#include <algorithm>

#include "core/report/text.hpp"

namespace segue::vmm {

namespace {

constexpr std::size_t kSubject = 22; // columns

const char* word(Finding::Verdict verdict) {
    switch (verdict) {
    case Finding::Verdict::Yes:
        return "yes   ";
    case Finding::Verdict::Missing:
        return "lacks ";
    case Finding::Verdict::No:
        break;
    }
    return "no    ";
}

} // namespace

std::string to_text(const Findings& findings) {
    std::string text;
    for (const Finding& f : findings) {
        const std::size_t gap = f.subject.size() < kSubject ? kSubject - f.subject.size() : 1;
        text += std::string("  ") + word(f.verdict) + f.subject + std::string(gap, ' ') +
                report::one_line(Error(Code::Refused, f.text)) + "\n";
        if (!f.way_out.empty())
            text += "          try: " + report::one_line(Error(Code::Refused, f.way_out)) + "\n";
    }
    return text;
}

bool any_no(const Findings& findings) {
    return std::any_of(findings.begin(), findings.end(),
                       [](const Finding& f) { return f.verdict == Finding::Verdict::No; });
}

} // namespace segue::vmm
