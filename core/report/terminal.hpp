// SPDX-License-Identifier: Apache-2.0
// terminal.hpp - an update for the person who watches it: each phase as it happens, with its time.
#pragma once

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

#include "core/report/report.hpp"

namespace segue::report {

// The phase that runs stands on a line of its own, which is completed by its time; on a terminal
// it is shown while it runs. Shows a record as far as it has got, so that a client may also call
// show() with what it polls: each phase is printed once. [one thread at a time]
class Terminal final : public Report {
public:
    using Print = std::function<void(std::string_view)>;
    // `tty`: the running phase is shown and written over; otherwise only whole lines.
    Terminal(Print print, bool tty)
        : print_(std::move(print))
        , tty_(tty) {}

    void phase(Phase phase, const UpdateRecord& record) override;
    void ended(const UpdateRecord& record) override;

    // What is new since the last call; with the result once the status is final.
    void show(const UpdateRecord& record);

private:
    void line(const PhaseTime& phase, const std::vector<PhaseTime>& successor);
    void whole_line(const std::string& text);
    void running(const std::string& text);

    Print print_;
    bool tty_;
    std::size_t shown_ = 0; // phases printed with their times
    std::size_t warned_ = 0;
    static constexpr std::size_t kWidth = 30;
    std::size_t width_ = kWidth; // of the line that is written over
    bool open_ = false;          // a running phase stands on the line
    bool over_ = false;
};

// "completed in cpr: 0.1.0 (pid 7) -> 0.2.0 (pid 8), blackout 1.94 ms": one line, no line feed.
std::string result_line(const UpdateRecord& record);

} // namespace segue::report
