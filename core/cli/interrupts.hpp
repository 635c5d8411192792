// SPDX-License-Identifier: Apache-2.0
// interrupts.hpp - Ctrl-C, a hang-up, and an answer on the terminal, as events to wait for.
#pragma once

#include <chrono>
#include <csignal>

#include <segue/cpp/unique_fd.hpp>

namespace segue::cli {

// While it lives, SIGINT and SIGHUP end nothing: wait() tells. [main, one at a time]
class Interrupts {
public:
    enum class Event { None, Interrupt, HangUp, Answer };

    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    // At most `time`. Answer only where `asking`: a line, or the end, came on stdin.
    Event wait(std::chrono::milliseconds time, bool asking);
    // What the last answer said.
    bool answered_yes() const { return yes_; }

private:
    sigset_t before_ = {};
    UniqueFd signals_; // signalfd
    bool yes_ = false;
};

} // namespace segue::cli
