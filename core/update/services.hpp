// SPDX-License-Identifier: Apache-2.0
// services.hpp - the tables "segue.update", "segue.ram" and so on over a Session: the only way in
// which a mode acts. Every call checks its phase and its arguments.
#pragma once

#include <segue/abi/dirty.h>
#include <segue/abi/ram.h>
#include <segue/abi/ram_convert.h>
#include <segue/abi/throttle.h>
#include <segue/abi/update.h>
#include <segue/abi/userfault.h>

#include "core/plugin/adapters/mode.hpp"
#include "core/plugin/services.hpp"
#include "core/update/session.hpp"

namespace segue::update {

segue_host_update update_service(Session& session);
segue_host_ram ram_service(Session& session);
segue_host_dirty dirty_service(Session& session);
segue_host_ram_convert ram_convert_service(Session& session);
segue_host_userfault userfault_service(Session& session);
segue_host_throttle throttle_service(Session& session);

// All that a mode gets, threads too. Does not move; outlives the mode. [update]
class Services {
public:
    explicit Services(Session& session);
    Services(const Services&) = delete;
    Services& operator=(const Services&) = delete;

    plugin::ModeServices tables() const;
    plugin::ThreadsService& threads() { return threads_; }

private:
    segue_host_update update_;
    segue_host_ram ram_;
    segue_host_dirty dirty_;
    segue_host_ram_convert ram_convert_;
    segue_host_userfault userfault_;
    segue_host_throttle throttle_;
    plugin::ThreadsService threads_;
};

} // namespace segue::update
