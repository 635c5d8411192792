// SPDX-License-Identifier: Apache-2.0
// at_rest.hpp - a state that nobody reads while it is written: sealed, read back and compared
// before the guest is offered.
#pragma once

#include "core/update/attempt.hpp"

namespace segue::update {

// Seals channel "main", opens it for reading as the incoming side will, and checks the manifest,
// every frame and the state against what was written. REFUSED where it cannot be read back, CORRUPT
// where something else stands there. [update]
Status read_back(Attempt& attempt);

// Takes what was left behind away again. [update]
void discard(Attempt& attempt) noexcept;

} // namespace segue::update
