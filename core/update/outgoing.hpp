// SPDX-License-Identifier: Apache-2.0
// outgoing.hpp - one update, from the side that owns the guest: the phases in their order, and the
// one way back.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/report/verdict.hpp"
#include "core/update/attempt.hpp"
#include "core/update/recovery.hpp"
#include "core/update/services.hpp"
#include "core/update/successor.hpp"
#include "core/update/watchdog.hpp"

namespace segue::update {

// Where an update that succeeded left the guest.
enum class Left {
    ToPeer,   // it runs there
    ToHolder, // which waits for the end of this process
    AtRest,   // in its state, for whoever starts it
    Elsewhere // it runs on another host
};

// Used once. Everything on the update thread, but for what the watchdog does when a hook hangs.
class Outgoing {
public:
    // A call into a plugin of this mode did not return, and the update thread is still in it. The
    // update is over: DEADLINE, the guest is here; OK, it is with the new generation. [watchdog]
    using OnHung = std::function<void(const std::string& mode, Code outcome)>;
    Outgoing(Context& context, Request request, std::uint32_t attempt, Progress& progress,
             int cancel_fd, OnHung on_hung);
    ~Outgoing();

    // Returns when the update is over: the guest is gone (COMPLETED, `postmigrate`), or here and as
    // it was (FAILED, CANCELLED). Between two hosts that may take an operator's word.
    Code run();

    // Instead of run(): whether an update could be done, and what is in its way. The guest runs on
    // untouched; the new binary is asked, as a child that creates nothing.
    report::Verdict examine();

    // Where it is, once run() returned OK.
    Left left() const;

    // Of a switch-over between two hosts. [any]
    Doubt& doubt() { return attempt_.doubt; }

    // A cancel was signalled: a hook that does not heed it is not waited for. [any]
    void hasten() { watchdog_.hasten(Deadline::in(kCancelGrace)); }

    // The guest runs on the other side, and needs this one until all of its RAM is there. [any]
    bool fetching() const { return fetching_; }
    // And the connection is lost. [any]
    bool paused() const { return recovery_.lost(); }
    // The guest is to run there now, its RAM to come later. REFUSED where this update cannot. [any]
    Status switch_now();
    // While that is so: the other host is there now. [any]
    Status recover(const std::string& address) {
        return recovery_.recover(address, [this] { attempt_.session.end_all(); });
    }
    // It is not waited for any more. [any]
    void give_up();

private:
    static constexpr std::chrono::seconds kCancelGrace{1};
    using Hook = Status (plugin::Mode::*)();
    using Call = std::function<Status()>;

    Status steps();
    Status preflight();
    bool find_blockers();
    bool note(Status s);
    Status make_plan();
    bool check_channels();
    Status open_keeper();
    Status ask_binary();
    void tell(report::Verdict& v) const;
    std::vector<std::string> warnings() const;
    Status prepare();
    Status copy();
    Status log_writes();
    void write_out();
    Status share_ram();
    Status announce_shared(inventory::Facts& facts) const;
    Result<segue_converted> convert(std::uint64_t copy);
    Status pause();
    Status handover();
    void fetch();
    Status fetch_again(const Error& why);
    Status rehearse();
    void note_sizes(report::UpdateRecord& r) const;
    Status guarded(const std::string& plugin, const char* name, const Call& call);
    Status hook(const char* name, Hook call);
    void end(std::uint32_t outcome);
    Status describe();
    Status save();
    void finish();
    void roll_back(Error why);
    void enter_rollback(Error& why);
    void go_on() noexcept;
    void release();
    void clean_up();
    bool watched(const char* name, const Error& why, const std::function<void()>& call);
    Error hung(const std::string& plugin, const char* hook) const;

    Context& ctx_;
    Attempt attempt_;
    Services services_;
    std::optional<plugin::Keeper> keeper_;
    std::optional<plugin::Mode> mode_;
    std::unique_ptr<Successor> successor_;
    Watchdog watchdog_;
    OnHung on_hung_;
    bool hung_ = false; // by the watchdog, read after its disarm()
    bool examining_ = false, rehearsed_ = false;
    std::atomic<bool> fetching_{false};
    Recovery recovery_;
    Status fetched_;                    // how it ended
    std::atomic<std::uint32_t> ram_{0}; // the plan's; 0: there is none yet
    std::vector<Error> blockers_;       // found in preflight
};

} // namespace segue::update
