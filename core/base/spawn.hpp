// SPDX-License-Identifier: Apache-2.0
// spawn.hpp - starts a program with an explicit list of file descriptors, and nothing else open.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/base/deadline.hpp"

namespace segue {

struct SpawnSpec {
    std::vector<std::string> argv;
    std::string program; // what is executed; empty: argv[0]. PATH is not searched.
    // {ours, the child's}. 0, 1 and 2 are /dev/null where they are not named.
    std::vector<std::pair<int, int>> fds;
    bool new_session = false;
    std::vector<std::string> extra_env = {}; // "NAME=value", besides our own environment
};

struct Child {
    pid_t pid = -1;
    UniqueFd pidfd; // readable once it has ended
};

// The child starts with no signal blocked, every signal at its default, our environment and cgroup.
// An exec that fails is an error here. [any]
Result<Child> spawn(const SpawnSpec& spec);

// How a child ended.
struct Exit {
    int code = 0;   // of exit(2)
    int signal = 0; // that killed it, or 0
    bool clean() const { return code == 0 && signal == 0; }
};
std::string to_string(const Exit& exit); // "exited with 3", "was killed by SIGSEGV"

// Waits for the end and reaps it. DEADLINE where it still runs. [the process that spawned it]
Result<Exit> wait_exit(const Child& child, Deadline deadline);

} // namespace segue
