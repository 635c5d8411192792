// SPDX-License-Identifier: Apache-2.0
// leak.hpp - for tests: what a process and its folders hold, before and after.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "core/base/deadline.hpp"

namespace segue::test {

// Counted by what it is, so that a leak has a name: "fd /memfd:ram0", "fd socket", "thread vcpu0",
// "child sleep", "file run/g/api.sock".
using Holdings = std::map<std::string, int>;

// Descriptors by target (memfds, sockets and KVM objects by kind, files by path), threads by name,
// and children, dead ones that nobody reaped too.
Holdings holdings_of(pid_t pid);
// Everything below the folders, by its path below `root`.
Holdings files_below(const std::string& root, const std::vector<std::string>& folders);
// Processes with `word` in their command line, whoever started them. A zombie has none.
std::vector<pid_t> processes_with(const std::string& word);

// Its children, dead ones that nobody reaped too, sorted.
std::vector<pid_t> children_of(pid_t pid);

Holdings operator+(Holdings a, const Holdings& b);

// "" where both are the same; else a line for each difference: "fd socket: 3 before, 4 after".
std::string difference(const Holdings& before, const Holdings& after);

// The difference once it is "" or the deadline has passed: closing goes on behind an answer.
template <class Take>
std::string lasting_difference(const Holdings& before, Take take, Deadline deadline) {
    for (;;) {
        std::string d = difference(before, take());
        if (d.empty() || deadline.passed())
            return d;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

} // namespace segue::test
