// SPDX-License-Identifier: Apache-2.0
// child.hpp - runs one case in a process of its own, which may die, hang or exit.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>

#include <segue/cpp/mapping.hpp>
#include <segue/testkit/check.hpp>

namespace segue::testkit {

struct Outcome {
    Verdict verdict = Verdict::Failed;
    std::string what, rule;
};

// What the child does right now, in memory that both share: the parent reads it once the child is
// dead or is given up.
class Trace {
public:
    static Result<Trace> make();

    void doing(const char* function);
    std::string last() const; // "connect"
    // A command that the plugin has started, as the leader of its own group, and its end.
    void command(pid_t pid) { put_command(0, pid); }
    void command_ended(pid_t pid) { put_command(pid, 0); }
    // Kills the commands that are left. [parent]
    void end_commands() const;

private:
    struct Page {
        char function[64];
        pid_t commands[64];
    };
    explicit Trace(Mapping map)
        : map_(std::move(map)) {}
    void put_command(pid_t in_place_of, pid_t pid);
    Page& page() const { return *reinterpret_cast<Page*>(map_.data()); }

    Mapping map_;
};

// Gives what `run` gave there, or how the child ended without an answer. Nothing of it is left.
Outcome in_child(Trace& trace, std::chrono::milliseconds deadline,
                 const std::function<Outcome()>& run);

} // namespace segue::testkit
