// SPDX-License-Identifier: Apache-2.0
// probe.hpp - the old side's question to a program before it becomes it: HELLO to a child that runs
// the very command, WELCOME or REFUSED from it. The child's side is Incoming::check().
#pragma once

#include "core/ports/launcher.hpp"
#include "core/update/attempt.hpp"
#include "core/update/hello.hpp"
#include "core/update/stream.hpp"

namespace segue::update {

// Set in the environment of a VMM that is only asked whether it could take a guest over: it answers
// over the engine stream of this number, and exits.
inline constexpr const char* kProbeVariable = "SEGUE_PROBE";

// The question itself: `manifest` to a child at the other end of `stream`, which answers WELCOME
// and ends. REFUSED in its words; CLOSED where it ended without any. [any]
Result<Welcome> ask(const Stream& stream, std::span<const std::byte> manifest, const Child& child,
                    const Waiter& wait);

// OK: it would take this guest, in the process that it was started in. Nothing of it is left.
// REFUSED with its own words, or how it ended. [update, guest running]
Status probe(Attempt& attempt, const ports::Program& program);

} // namespace segue::update
