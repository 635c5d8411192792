// SPDX-License-Identifier: Apache-2.0
// agent_of.hpp - the guest agent in a guest.
#pragma once

#include "core/control/agent.hpp"
#include "core/control/service.hpp"

namespace segue::cli {

// Connected, and known to answer. REFUSED where the guest has no port for it with a socket.
Result<control::Agent> agent_of(const control::VmInfo& vm, Deadline deadline);

} // namespace segue::cli
