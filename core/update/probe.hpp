// SPDX-License-Identifier: Apache-2.0
// probe.hpp - the old side's question to a program before it becomes it: HELLO to a child that runs
// the very command, WELCOME or REFUSED from it. The child's side is Incoming::check().
#pragma once

#include "core/ports/launcher.hpp"
#include "core/update/attempt.hpp"

namespace segue::update {

// OK: it would take this guest, in the process that it was started in. Nothing of it is left.
// REFUSED with its own words, or how it ended. [update, guest running]
Status probe(Attempt& attempt, const ports::Program& program);

} // namespace segue::update
