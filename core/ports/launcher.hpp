// SPDX-License-Identifier: Apache-2.0
// launcher.hpp - how the engine starts programs; modes never fork or exec.
#pragma once

#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/base/spawn.hpp"
#include "core/base/wait.hpp"

namespace segue::ports {

// The new generation: what to run, and with which configuration.
struct SuccessorSpec {
    std::string binary;   // absolute
    std::string config;   // absolute
    bool at_rest = false; // takes the guest from the state that we leave, once we are gone
};

// Implemented by vmm/main; faked in tests. [update]
class Launcher {
public:
    virtual ~Launcher() = default;
    Launcher(const Launcher&) = delete;
    Launcher& operator=(const Launcher&) = delete;

    // Starts a standby that takes the engine stream from `listener`, with nothing else of ours
    // open: same cgroup and limits, a session of its own.
    virtual Result<Child> start(const SuccessorSpec& spec, int listener) = 0;
    // What a standby that ended early left in its log, for the error; may be empty.
    virtual std::string last_words(const Child& child) = 0;

    // Runs the very command that exec() would become as a child that only checks and answers.
    virtual Status probe(const SuccessorSpec& spec, const Waiter& wait) = 0;
    // execve with `handoff` (a sealed memfd, its number in the environment) and every fd of `keep`
    // open; returns only on failure, everything as it was.
    virtual Error exec(const SuccessorSpec& spec, int handoff, const std::vector<int>& keep) = 0;

protected:
    Launcher() = default;
};

} // namespace segue::ports
