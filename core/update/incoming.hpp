// SPDX-License-Identifier: Apache-2.0
// incoming.hpp - one update, from the side that will own the guest: complete and rehearsed before
// the pause, owner by the word, and then the guest runs.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "core/ports/userfault.hpp"
#include "core/update/context.hpp"
#include "core/update/exec_fds.hpp"
#include "core/update/filling.hpp"
#include "core/update/hello.hpp"
#include "core/update/origin.hpp"
#include "core/update/progress.hpp"
#include "core/update/ready_thread.hpp"
#include "core/update/recovery.hpp"
#include "core/update/services.hpp"
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
    std::optional<Ownership>& ownership; // set with the manifest
    ExecFds& exec_fds;                   // what came through execve; empty otherwise
    ports::Userfault& userfault;
    // Of a guest that runs here, the record is final: all of its RAM has come; an error: it never
    // will, and the guest must not run any more. The last act of that thread. [update]
    std::function<void(const Status&)> on_fetched;
    int cancel_fd = -1;                     // readable: this process should end instead
    std::vector<std::string> warnings = {}; // for the update's record
};

// Used once. [main]
class Incoming {
public:
    Incoming(Standby& standby, std::unique_ptr<Origin> origin);
    ~Incoming(); // ends the fetch, for a guest that does not run any more

    // OK: the guest is ours and runs as it did before; some of its RAM may still be on its way.
    // Any error: it is not, nothing was touched, the other side was told why, and the process
    // should end.
    Status run();
    // RAM is on its way: by a thread of this one's, which must not be destroyed meanwhile. [any]
    bool fetching() const { return fetching_; }
    // It is, or was, after the commit.
    bool fetches() const { return filling_.has_value(); }
    void await_fetched();
    // Where its connection is lost: the other host comes to that address now. [any]
    Status recover(const std::string& address) {
        return recovery_.recover(address, [this] { session_.end_all(); });
    }

    // Instead of run(), for a probe: whether this program, with its configuration, would take the
    // guest that is described; the answer goes to the other side. Nothing is created or changed.
    Status check();

    // The update's record, both halves, once run() returned OK.
    report::UpdateRecord record() const;

    // The mode's last hook did not return, and a thread is still in it: this must never be
    // destroyed.
    bool hung() const { return hung_; }

private:
    Status take_manifest();
    Status understand();
    Welcome welcome() const;
    Status prepare();
    Status build();
    Status prepare_fetch();
    Status make_threads();
    Result<inventory::RamBlock> block(std::size_t index);
    Status arrive();
    Status load();
    Status take_run(const state::Reader& in);
    Status rehearse();
    Status claim();
    bool owner_lives(Code why) const;
    std::string where_it_is() const;
    Status commit();
    void fetch();
    Status all_fetched();
    Status pause(const Error& why);
    Status listen_again(const std::string& address);
    Status fetch_again(const std::string& address);
    Status fetched(const Status& how);
    void retire();
    void finish();
    void enter(report::Phase phase);
    void stop_threads();

    Standby& s_;
    ports::Devices* devices_ = nullptr; // once it is built
    std::unique_ptr<Origin> origin_;
    Progress progress_;
    Stop stop_;
    Session session_;
    Services services_;
    std::optional<Filling> filling_; // where RAM comes after the commit
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
    std::atomic<bool> fetching_{false};
    Recovery recovery_;
    std::optional<Entrance> entrance_; // after the first one
    ReadyThread fetcher_, retirer_;
};

} // namespace segue::update
