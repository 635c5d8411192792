// SPDX-License-Identifier: Apache-2.0
// services.hpp - the tables "segue.update", "segue.ram", "segue.dirty" and "segue.ram_convert" over
// a Session: the only way in which a mode acts. Every call checks its phase and its arguments.
#pragma once

#include <segue/abi/dirty.h>
#include <segue/abi/ram.h>
#include <segue/abi/ram_convert.h>
#include <segue/abi/update.h>

#include "core/update/session.hpp"

namespace segue::update {

segue_host_update update_service(Session& session);
segue_host_ram ram_service(Session& session);
segue_host_dirty dirty_service(Session& session);
segue_host_ram_convert ram_convert_service(Session& session);

} // namespace segue::update
