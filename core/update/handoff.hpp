// SPDX-License-Identifier: Apache-2.0
// handoff.hpp - the sealed memfd whose number a new image finds in its environment: which of its
// open descriptors are what.
#pragma once

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/update/exec_fds.hpp"

namespace segue::update {

// Holds the fd's number, in decimal; the new image unsets it at once.
inline constexpr const char* kHandoffVariable = "SEGUE_HANDOFF";

// [update, before the offer]
Result<UniqueFd> make_handoff(int record, const ExecFds& fds);

// The new image: takes the memfd and everything that it names. CORRUPT where it is none. [main]
struct Handoff {
    UniqueFd record; // of the ownership
};
Result<Handoff> take_handoff(UniqueFd memfd, ExecFds& fds);

} // namespace segue::update
