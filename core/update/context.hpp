// SPDX-License-Identifier: Apache-2.0
// context.hpp - what an update works with, wired together by vmm/main or by a test.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config/identity.hpp"
#include "core/inventory/inventory.hpp"
#include "core/plugin/adapters/keeper.hpp"
#include "core/plugin/adapters/memory.hpp"
#include "core/plugin/adapters/mode.hpp"
#include "core/plugin/adapters/transport.hpp"
#include "core/ports/devices.hpp"
#include "core/ports/dirty_log.hpp"
#include "core/ports/frontend.hpp"
#include "core/ports/launcher.hpp"
#include "core/ports/machine.hpp"
#include "core/ports/ram_converter.hpp"
#include "core/ports/vcpus.hpp"
#include "core/report/report.hpp"
#include "core/update/ownership.hpp"
#include "core/update/run_control.hpp"
#include "core/update/session.hpp"

namespace segue::update {

// The plugins that this process opened at start, by the ids that the configuration allows. [update]
class PluginSet {
public:
    virtual ~PluginSet() = default;
    PluginSet(const PluginSet&) = delete;
    PluginSet& operator=(const PluginSet&) = delete;

    // An instance of its own for one side of one update.
    virtual Result<plugin::Mode> mode(const std::string& id, Side side,
                                      const plugin::ModeServices& services) = 0;
    // The transport that the configuration gives to a mode's channel.
    virtual Result<plugin::Transport> transport(const std::string& channel) = 0;
    // The one on which the state waits where nobody reads it while it is written: of channel
    // "at-rest", if the configuration has it, else of "main".
    virtual Result<plugin::Transport> resting() { return transport("main"); }
    // The one that leads to another host, for all channels: "tcp:192.0.2.2:4444".
    virtual Result<plugin::Transport> transport_at(const std::string& address) {
        return Error(Code::Unsupported, "nothing leads to " + address);
    }
    // Of a channel under a successor of that kind; 0: not known yet, so no peer. `address`: of a
    // peer on another host; "": on this one.
    Result<plugin::Transport> transport_of(const std::string& channel, std::uint32_t successor,
                                           const std::string& address = {}) {
        if (!address.empty())
            return transport_at(address);
        return channel == "main" && successor != SEGUE_SUCCESSOR_PEER ? resting()
                                                                      : transport(channel);
    }
    // The configured back-end of a RAM block.
    virtual Result<plugin::Memory*> memory(const std::string& block) = 0;

    // The configured keeper, over `process`; NOT_FOUND where there is none.
    virtual Result<plugin::Keeper> keeper(const segue_host_process* process) = 0;

protected:
    PluginSet() = default;
};

// Who the guest is, and how its VMM was started.
struct GuestFacts {
    std::string name;
    state::Uuid uuid = {};
    std::uint32_t generation = 1;
    config::Identity identity;          // keys that an update may not change
    config::Identity resting_place;     // nor these, where no VMM has the guest in between
    std::string config;                 // path
    std::vector<std::string> overrides; // "key=value"
};

struct PhaseDeadlines {
    std::chrono::microseconds prepare{10'000'000}, copy{3'600'000'000}, drain{5'000'000},
        pause{2'000'000}, handover{2'000'000};
    std::chrono::microseconds blackout_budget{0}; // 0: none
};

// References to what outlives every update of this process.
struct Context {
    GuestFacts& guest;
    ports::Machine& machine;
    ports::Devices& devices;
    ports::DirtyLog& dirty_log;
    ports::RamConverter& ram_converter;
    ports::Frontend& frontend;
    ports::Launcher& launcher;
    RunControl& run;
    inventory::Inventory& inventory;
    PluginSet& plugins;
    Ownership& ownership;
    report::Report& report;
    std::string standby_path; // where an incoming side listens
};

} // namespace segue::update
