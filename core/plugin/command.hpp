// SPDX-License-Identifier: Apache-2.0
// command.hpp - "segue.command.draft/1": commands that plugins run.
#pragma once

#include <segue/abi/command.h>

namespace segue::plugin {

// One table for all plugins; keeps nothing. [any]
const segue_host_command* command_service();

} // namespace segue::plugin
