// SPDX-License-Identifier: Apache-2.0
// launcher.hpp - how the engine starts programs; modes never fork or exec.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/base/spawn.hpp"

namespace segue::ports {

// The new generation: what to run, and with which configuration.
struct SuccessorSpec {
    std::string binary;   // absolute
    std::string config;   // absolute
    bool at_rest = false; // takes the guest from the state that we leave, once we are gone
};

// The file behind SuccessorSpec::binary as it was when it was opened: what was probed is what is
// executed.
struct Program {
    std::string path; // the real one
    UniqueFd file;
    struct stat seen = {};
    std::shared_ptr<void> prepared; // the launcher's own, for exec(); undone when it goes
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

    // For probe() and exec(): refused where it cannot be run, or should not. Guest running.
    virtual Result<Program> open(const SuccessorSpec& spec) = 0;
    // What of exec() can be done while the guest still runs; kept in `program`.
    virtual void make_ready(Program& program) noexcept = 0;
    // Starts the very command that exec() would become, as a child (a session of its own) that only
    // checks and answers over the engine stream `stream`.
    virtual Result<Child> probe(const SuccessorSpec& spec, const Program& program, int stream) = 0;
    // execve with `handoff` (a sealed memfd, its number in the environment) and every fd of `keep`
    // open; returns only on failure, everything as it was. REFUSED where the file is another by
    // now.
    virtual Error exec(const SuccessorSpec& spec, const Program& program, int handoff,
                       const std::vector<int>& keep) = 0;

protected:
    Launcher() = default;
};

} // namespace segue::ports
