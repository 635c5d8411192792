// SPDX-License-Identifier: Apache-2.0
// placement.hpp - on which cores a VMM's threads run while it is measured.
#pragma once

#include <sys/types.h>

#include <string>

#include <segue/cpp/result.hpp>

namespace segue::bench {

enum class Placement {
    Free,  // where the scheduler likes
    Apart, // vCPU threads as the floor's, everything else, and what it starts, on the observer's
           // core
};

const char* name_of(Placement placement);
Result<Placement> placement_of(const std::string& name);
// What the output says of it.
const char* describe(Placement placement);

// Applies it to the threads that `pid` has now; children and new threads inherit. [any]
void place(pid_t pid, unsigned vcpus, Placement placement);

} // namespace segue::bench
