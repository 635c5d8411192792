// SPDX-License-Identifier: Apache-2.0
// incoming.hpp - one update, from the side that will own the guest: complete and rehearsed before
// the pause, owner by the word, and then the guest runs.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "core/plugin/services.hpp"
#include "core/update/context.hpp"
#include "core/update/exec_fds.hpp"
#include "core/update/hello.hpp"
#include "core/update/origin.hpp"
#include "core/update/progress.hpp"
#include "core/update/stop.hpp"

namespace segue::update {

// What a standby works with; filled step by step until the guest is its own.
struct Standby {
    GuestFacts& guest; // identity of the own configuration; uuid and generation come by HELLO
    ports::Machine& machine;
    RunControl& run;
    inventory::Inventory& inventory;
    PluginSet& plugins;
    report::Report& report;
    // The machine is built and the inventory complete: everything that can be opened before the
    // pause is opened here (the control socket, held), and `run` gets its vCPUs. Gives the
    // machine's devices.
    std::function<Result<ports::Devices*>()> on_built;
    // The owner answers nobody any more: everybody hears 503 and when to ask again, until run()
    // returned.
    std::function<void()> on_hold;
    std::optional<Ownership>& ownership;    // set with the manifest
    ExecFds& exec_fds;                      // what came through execve; empty otherwise
    int cancel_fd = -1;                     // readable: this process should end instead
    std::vector<std::string> warnings = {}; // for the update's record
};

// Used once. [main]
class Incoming {
public:
    Incoming(Standby& standby, std::unique_ptr<Origin> origin);

    // OK: the guest is ours and runs as it did before. Any error: it is not, nothing was touched,
    // the other side was told why, and the process should end.
    Status run();

    // Instead of run(), for a probe: whether this program, with its configuration, would take the
    // guest that is described; the answer goes to the other side. Nothing is created or changed.
    Status check();

    // The update's record, both halves, once run() returned OK.
    report::UpdateRecord record() const { return progress_.snapshot(); }

    // The mode's last hook did not return, and a thread is still in it: this must never be
    // destroyed.
    bool hung() const { return hung_; }

private:
    Status take_manifest();
    Status understand();
    Welcome welcome() const;
    Status prepare();
    Status build();
    Result<inventory::RamBlock> block(std::size_t index);
    Status arrive();
    Status load();
    Status take_run(const state::Reader& in);
    Status rehearse();
    Status claim();
    bool owner_lives(Code why) const;
    std::string where_it_is() const;
    Status commit();
    void retire();
    void enter(report::Phase phase);
    void stop_threads();

    Standby& s_;
    ports::Devices* devices_ = nullptr; // once it is built
    std::unique_ptr<Origin> origin_;
    Progress progress_;
    Stop stop_;
    Session session_;
    segue_host_update update_table_;
    segue_host_ram ram_table_;
    segue_host_dirty dirty_table_;             // that there is none
    segue_host_ram_convert ram_convert_table_; // nor this
    plugin::ThreadsService threads_;
    std::optional<plugin::Keeper> keeper_;
    std::optional<plugin::Mode> mode_;
    std::vector<std::byte> manifest_bytes_;
    std::optional<state::Reader> manifest_;
    state::Header header_;
    Hello hello_;
    plugin::Plan plan_;
    report::RunState before_ = report::RunState::Paused;
    bool asleep_ = false;
    std::chrono::nanoseconds paused_at_{};
    bool hung_ = false;
    std::chrono::nanoseconds held_at_{}; // 0: the control socket never was this side's to hold
};

} // namespace segue::update
