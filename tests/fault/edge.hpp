// SPDX-License-Identifier: Apache-2.0
// edge.hpp - the places in an update where a test can hold one of its two processes.
#pragma once

#include <string>

namespace segue::fault {

// "old prepare": the outgoing process enters that phase and has done nothing of it yet; "new
// ended": the incoming one is through. The phase's names are report::kPhaseNames, and "ended"; so
// are the steps between two hosts, report::kSwitchOverNames.
using Edge = std::string;

// Where both processes find the test, as an environment variable of theirs: a successor inherits
// it. Only segue-vmm-fault reads it.
inline constexpr const char* kBarrierVariable = "SEGUE_FAULT_BARRIER";
// After the socket's name: a file of the edges at which a slot logged writes, a line each. No mode
// that leaves RAM in place may switch that on.
inline constexpr const char* kDirtySuffix = ".dirty";

} // namespace segue::fault
