// SPDX-License-Identifier: Apache-2.0
#include "core/report/verdict.hpp"

#include "core/base/list.hpp"
#include "core/base/units.hpp"
#include "core/report/text.hpp"

namespace segue::report {
namespace {

std::string time_of(std::chrono::nanoseconds time) {
    return format_duration(std::chrono::duration_cast<std::chrono::microseconds>(time));
}

std::string line(const char* name, const std::string& text) {
    return "  " + std::string(name) + std::string(11 - std::string_view(name).size(), ' ') + text +
           "\n";
}

std::string blackout_text(const Verdict& v) {
    const Prediction& p = v.blackout;
    std::string text =
        p.known()
            ? "about " + time_of(p.median) + ", at most " + time_of(p.bound) + " by the last " +
                  std::to_string(p.samples) + " updates by this mode"
            : "unknown: " + std::to_string(p.samples) + " updates by this mode are remembered, " +
                  std::to_string(Prediction::kEnough) + " are needed";
    if (v.budget.count() != 0)
        text += "; budget " + format_duration(v.budget);
    return text;
}

} // namespace

std::string to_text(const Verdict& v) {
    std::string text = "dry run of mode/" + v.mode + ": ";
    text += v.blockers.empty() ? "nothing stands in its way\n"
                               : "it cannot be done, " + std::to_string(v.blockers.size()) +
                                     (v.blockers.size() == 1 ? " blocker\n" : " blockers\n");
    for (const Error& e : v.blockers) {
        text += line("blocker", one_line(Error(e.code(), e.what())));
        if (!e.way_out().empty())
            text += line("  try", one_line(Error(e.code(), e.way_out())));
    }
    for (const std::string& w : v.warnings)
        text += line("warning", w);
    text += line("binary", v.binary);
    text += line("version", v.from_version + " -> " +
                                (v.to_version.empty() ? "it did not say" : v.to_version));
    for (const RamVerdict& r : v.ram)
        text += line("RAM", r.id + ", " + format_size(r.bytes) + " of memory/" + r.backend +
                                (r.in_place ? ": stays in place" : ": is copied"));
    std::string phases;
    for (const Phase p : v.phases)
        add_to_list(phases, name_of(p));
    text += line("phases", phases);
    return text + line("blackout", blackout_text(v));
}

} // namespace segue::report
