// SPDX-License-Identifier: Apache-2.0
#include "core/report/terminal.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/units.hpp"
#include "core/report/text.hpp"

namespace segue::report {
namespace {

std::string time_of(std::chrono::nanoseconds time) {
    return format_duration(std::chrono::duration_cast<std::chrono::microseconds>(time));
}

std::string padded(const std::string& text, std::size_t width) {
    return text.size() < width ? text + std::string(width - text.size(), ' ') : text;
}

// "37 %"; where the guest writes meanwhile "round 3 of 12.00 MiB, 14.00 ms at 857.14 MiB/s"
std::string copy_text(const CopyProgress& c) {
    if (c.rounds == 0 && c.total == 0)
        return "";
    if (c.rounds == 0)
        return std::to_string(std::lround(100.0 * static_cast<double>(c.done) /
                                          static_cast<double>(c.total))) +
               " %";
    return "round " + std::to_string(c.rounds + 1) + " of " + rough_size(c.left) +
           (c.rate == 0 ? "" : ", " + time_of(c.expected) + " at " + rough_size(c.rate) + "/s") +
           (c.throttle == 0 ? "" : ", vCPUs throttled by " + std::to_string(c.throttle) + " %");
}

// Of postcopy, what comes after the commit is the copy as well.
std::string running_text(const UpdateRecord& record, Phase phase) {
    std::string name = name_of(phase);
    if (phase == Phase::Copy && record.copy)
        return padded(name, 10) + " " + copy_text(*record.copy);
    if (phase == Phase::Fetch)
        return padded(name, 10) + " " + rough_size(record.ram_bytes_left) + " left";
    return name;
}

} // namespace

void Terminal::phase(Phase, const UpdateRecord& record) {
    show(record);
}

void Terminal::ended(const UpdateRecord& record) {
    show(record);
}

void Terminal::show(const UpdateRecord& record) {
    for (; warned_ < record.warnings.size(); ++warned_)
        whole_line("warning: " + record.warnings[warned_]);
    for (; shown_ < record.phases.size() && record.phases[shown_].ended.count() != 0; ++shown_)
        line(record.phases[shown_], record.successor_phases);
    if (is_final(record.status)) {
        if (std::exchange(over_, true))
            return;
        for (; shown_ < record.phases.size(); ++shown_)
            line(record.phases[shown_], record.successor_phases);
        print_(result_line(record) + "\n");
    } else if (tty_ && shown_ < record.phases.size()) {
        running(running_text(record, record.phases[shown_].phase));
    }
}

void Terminal::whole_line(const std::string& text) {
    print_((open_ ? "\r" : "") + std::string("  ") + (open_ ? padded(text, width_ + 1) : text) +
           "\n");
    width_ = kWidth;
    open_ = false;
}

// Where the successor worked while the guest stood still, what of the handover was whose.
void Terminal::line(const PhaseTime& phase, const std::vector<PhaseTime>& successor) {
    const bool over = phase.ended.count() != 0;
    whole_line(padded(name_of(phase.phase), 10) + " " +
               (over ? time_of(phase.ended - phase.began) : "-"));
    if (phase.phase != Phase::Handover || !over)
        return;
    auto at = phase.began;
    for (const PhaseTime& theirs : successor) {
        if (theirs.began < phase.began)
            continue;
        if (theirs.phase == Phase::Prepare)
            whole_line("  until the successor runs " + time_of(theirs.began - at));
        whole_line("  its " + padded(name_of(theirs.phase), 20) + " " +
                   time_of(theirs.ended - theirs.began));
        at = theirs.ended;
    }
}

void Terminal::running(const std::string& text) {
    width_ = std::max(width_, text.size()); // of what is written over
    print_((open_ ? "\r" : "") + std::string("  ") + padded(text, width_));
    open_ = true;
}

std::string result_line(const UpdateRecord& r) {
    std::string text = (r.rehearsal ? "rehearsal " : "update ") + r.id + " " + name_of(r.status);
    if (r.rehearsal && r.status == UpdateStatus::Completed)
        return text + ": " + r.from_version + " -> " + r.to_version + " would do, " + r.mode +
               ", blackout " + time_of(r.blackout) + " (the guest goes on in generation " +
               std::to_string(r.from_generation) + ")";
    if (r.status == UpdateStatus::Completed) {
        const bool saved = r.to_pid == 0; // nobody has it
        text += ": " + r.from_version + " (pid " + std::to_string(r.from_pid) + ")";
        text += saved ? " saved the guest, " + r.mode
                      : " -> " + r.to_version + " (pid " + std::to_string(r.to_pid) + "), " +
                            r.mode + ", blackout " + time_of(r.blackout);
        if (r.unanswered.count() != 0)
            text += ", control socket answered 503 for " + time_of(r.unanswered);
        return text + ", " + format_size(r.ram_bytes_copied) + " of RAM copied";
    }
    if (r.error)
        text += ": " + one_line(*r.error);
    return text + " (the guest goes on in generation " + std::to_string(r.from_generation) + ")";
}

} // namespace segue::report
