// SPDX-License-Identifier: Apache-2.0
#include "core/report/terminal.hpp"

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

} // namespace

void Terminal::phase(Phase, const UpdateRecord& record) {
    show(record);
}

void Terminal::progress(std::uint64_t done_bytes, std::uint64_t total_bytes) {
    if (tty_ && open_ && total_bytes != 0)
        running("copy       " + std::to_string(done_bytes * 100 / total_bytes) + " %");
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
        running(name_of(record.phases[shown_].phase));
    }
}

void Terminal::whole_line(const std::string& text) {
    print_((open_ ? "\r" : "") + std::string("  ") + (open_ ? padded(text, 31) : text) + "\n");
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
    print_((open_ ? "\r" : "") + std::string("  ") + padded(text, 30));
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
