// SPDX-License-Identifier: Apache-2.0
#include "core/update/outgoing.hpp"

#include <unistd.h>

#include <random>

#include "core/base/log.hpp"
#include "core/report/codec.hpp"
#include "core/update/hello.hpp"
#include "core/update/passing.hpp"
#include "core/update/services.hpp"

namespace segue::update {

using report::Phase;
using report::UpdateStatus;

namespace {

// How long after the phase's deadline a hook may still be on its way out.
constexpr std::chrono::milliseconds kGrace{250};
constexpr std::size_t kStateReserve = 1u << 20;
// What a mode may take to end once the guest is gone.
constexpr std::chrono::seconds kRetire{2};

// The first one's code and words; the others beside it.
Error all_in_one(std::vector<Error> all) {
    Error first = std::move(all.front());
    for (std::size_t i = 1; i < all.size(); ++i)
        first = std::move(first).with("also-" + std::to_string(i), all[i].what());
    return first;
}

Nonce make_nonce() {
    std::random_device random;
    Nonce n;
    for (std::byte& b : n)
        b = static_cast<std::byte>(random());
    return n;
}

} // namespace

Outgoing::Outgoing(Context& context, Request request, std::uint32_t attempt, Progress& progress,
                   int cancel_fd, OnHung on_hung)
    : ctx_(context)
    , attempt_(context, std::move(request), attempt, progress, cancel_fd)
    , services_(attempt_.session)
    , on_hung_(std::move(on_hung)) {}

Outgoing::~Outgoing() = default;

Code Outgoing::run() {
    Status s = steps();
    if (hung_) { // the guest went on long ago; the hook came back after all
        clean_up();
        return Code::Deadline;
    }
    if (s) {
        if ((attempt_.plan.ram & SEGUE_RAM_AFTER) != 0)
            fetch();
        finish();
        return Code::Ok;
    }
    Error why = std::move(s).error();
    if (why.detail("phase").empty())
        why = std::move(why).with("phase", name_of(attempt_.progress.phase()));
    const Code code = why.code();
    roll_back(std::move(why));
    return code;
}

Status Outgoing::steps() {
    SEGUE_TRY(preflight());
    SEGUE_TRY(prepare());
    SEGUE_TRY(copy());
    SEGUE_TRY(pause());
    return handover();
}

Error Outgoing::hung(const std::string& plugin, const char* hook) const {
    return Error(Code::Deadline, plugin + " did not return from " + hook)
        .way_out("this VMM takes no further update by mode/" + attempt_.request.mode +
                 "; use another mode")
        .with("plugin", plugin)
        .with("phase", name_of(attempt_.progress.phase()));
}

// A call into a plugin, under the watchdog.
Status Outgoing::guarded(const std::string& plugin, const char* name, const Call& call) {
    const Deadline phase = attempt_.session.deadline;
    const Deadline limit = phase.is_never() ? phase : Deadline::at(phase.at() + kGrace);
    watchdog_.arm(limit, [this, plugin, name] {
        hung_ = true;
        Error why = hung(plugin, name);
        if (!examining_) {
            enter_rollback(why);
            go_on();
            attempt_.progress.end(UpdateStatus::Failed, std::move(why));
        }
        on_hung_("mode/" + attempt_.request.mode, Code::Deadline);
    });
    // After arm(): a cancel that comes later finds a deadline to bring forward.
    const Status asked = attempt_.session.wait().check();
    Status s = asked ? call() : Status();
    if (watchdog_.disarm())
        return Error(Code::Deadline, "taken back by the watchdog");
    SEGUE_TRY(asked);
    if (!s && s.error().detail("plugin").empty()) // else it says which one it was itself
        return std::move(s).error().with("plugin", plugin);
    SEGUE_TRY(std::move(s));
    return attempt_.session.wait().check();
}

Status Outgoing::hook(const char* name, Hook call) {
    return guarded("mode/" + attempt_.request.mode, name, [&] { return ((*mode_).*call)(); });
}

Status Outgoing::preflight() {
    attempt_.enter(Phase::Preflight, Deadline::in(attempt_.request.deadlines.prepare));
    (void)find_blockers();
    if (!blockers_.empty())
        return all_in_one(std::move(blockers_));
    for (const std::string& w : warnings())
        attempt_.progress.warn(w);
    return {};
}

// The machine manifest: what the new side is built from, and everything that it will be handed.
Status Outgoing::describe() {
    Session& s = attempt_.session;
    s.agreed.nonce = make_nonce();
    s.agreed.budget_us =
        static_cast<std::uint64_t>(attempt_.request.deadlines.blackout_budget.count());
    Hello hello;
    hello.mode = attempt_.request.mode;
    hello.version = version();
    hello.config = ctx_.guest.config;
    hello.wire_rev = mode_->wire_rev();
    hello.wire_rev_min = mode_->wire_rev_min();
    hello.arbiter = s.agreed.arbiter;
    hello.budget_us = s.agreed.budget_us;
    hello.pid = ::getpid();
    hello.rehearsal = attempt_.request.rehearse;
    hello.nonce = s.agreed.nonce;
    hello.identity = ctx_.guest.identity;
    hello.resting_place = ctx_.guest.resting_place;
    hello.overrides = ctx_.guest.overrides;
    hello.channels = text_of(attempt_.plan.channels);
    state::Writer& out = attempt_.manifest;
    state::Header header = attempt_.header();
    if (attempt_.plan.successor == SEGUE_SUCCESSOR_LATER) // the word at rest
        header.word = pack({header.generation, header.attempt, Owner::Offered});
    out.restart(header);
    write(hello, out);
    SEGUE_ASSIGN(s.facts, inventory::describe(ctx_.inventory, s.ram_of_block));
    SEGUE_TRY(announce_shared(s.facts));
    if (attempt_.plan.successor == SEGUE_SUCCESSOR_LATER || attempt_.request.elsewhere())
        s.facts.items.clear(); // no descriptor gets there: the next generation opens its own
    inventory::write(s.facts, out);
    SEGUE_TRY(ctx_.machine.describe(out));
    attempt_.manifest_bytes = out.finish();
    if (attempt_.plan.successor != SEGUE_SUCCESSOR_PEER)
        s.lead_in = attempt_.manifest_bytes;
    return {};
}

Status Outgoing::prepare() {
    attempt_.enter(Phase::Prepare, Deadline::in(attempt_.request.deadlines.prepare));
    ctx_.frontend.closing(true);
    attempt_.state.reserve(kStateReserve);
    SEGUE_TRY(share_ram());
    SEGUE_TRY(describe());
    SEGUE_TRY(successor_->begin());
    SEGUE_TRY(hook("prepare", &plugin::Mode::prepare));
    return successor_->ready();
}

// Until go_on(), or finish().
Status Outgoing::log_writes() {
    if ((attempt_.plan.needs & SEGUE_NEEDS_DIRTY_LOG) == 0)
        return {};
    SEGUE_TRY(ctx_.dirty_log.start());
    attempt_.session.dirty_log = &ctx_.dirty_log;
    return {};
}

// Only to another host must it be on the disks before the guest is there.
void Outgoing::write_out() {
    if (attempt_.request.elsewhere())
        ctx_.machine.write_out();
}

Status Outgoing::copy() {
    attempt_.enter(Phase::Copy, Deadline::in(attempt_.request.deadlines.copy));
    SEGUE_TRY(log_writes());
    write_out();
    SEGUE_TRY(hook("copy", &plugin::Mode::copy));
    write_out(); // what was written meanwhile
    const Deadline drain = Deadline::in(attempt_.request.deadlines.drain);
    SEGUE_TRY(ctx_.run.settle(drain));
    // A cancel may be among the requests in hand, and waits for this update's end itself.
    const Status held = ctx_.frontend.hold(drain);
    SEGUE_TRY(attempt_.session.wait().check());
    SEGUE_TRY(held);
    return successor_->held();
}

Status Outgoing::pause() {
    const PhaseDeadlines& d = attempt_.request.deadlines;
    const Deadline budget =
        d.blackout_budget.count() != 0 ? Deadline::in(d.blackout_budget) : Deadline::never();
    attempt_.enter(Phase::Pause, earlier(Deadline::in(d.pause), budget));
    SEGUE_TRY(ctx_.run.stop(attempt_.session.deadline));
    if (attempt_.session.dirty_log != nullptr)
        ctx_.dirty_log.guest_stopped();
    attempt_.session.deadline = earlier(Deadline::in(d.handover), budget); // until the commit
    return attempt_.session.wait().check();
}

Status Outgoing::save() {
    state::Writer& out = attempt_.state;
    out.restart(attempt_.header());
    SEGUE_TRY(ctx_.machine.save(out));
    attempt_.progress.change(
        [this](report::UpdateRecord& r) { r.requests_in_flight = ctx_.run.requests_waiting(); });
    const report::UpdateRecord record = attempt_.progress.snapshot();
    out.begin("run", "", 1);
    out.put("state", static_cast<std::uint64_t>(ctx_.run.before()));
    out.put_flag("asleep", ctx_.run.asleep());
    out.put("paused-at-ns", static_cast<std::uint64_t>(paused_at(record).count()));
    out.end();
    report::save_record(record, out);
    attempt_.session.state_out = out.finish();
    return {};
}

Status Outgoing::handover() {
    attempt_.enter(Phase::Handover, attempt_.session.deadline);
    if ((attempt_.plan.ram & SEGUE_RAM_AFTER) != 0)
        SEGUE_TRY(attempt_.session.outlast_commit());
    SEGUE_TRY(save());
    SEGUE_TRY(hook("handover", &plugin::Mode::handover));
    if (!attempt_.session.state_passed)
        return Error(Code::Refused, "mode/" + attempt_.request.mode +
                                        " returned from handover without "
                                        "passing the state")
            .with("plugin", "mode/" + attempt_.request.mode);
    SEGUE_TRY(successor_->check_state());
    if (attempt_.request.rehearse)
        return rehearse();
    attempt_.enter(Phase::Commit, attempt_.session.deadline);
    return successor_->hand_over();
}

void Outgoing::note_sizes(report::UpdateRecord& r) const {
    r.state_bytes = attempt_.session.state_out.size();
    r.ram_bytes_copied = attempt_.session.ram_bytes;
}

// Ends as an error, which is how the guest is taken back; that it went well, the record says.
Status Outgoing::rehearse() {
    SEGUE_TRY(successor_->rehearse([this] {
        go_on();
        attempt_.progress.change([this](report::UpdateRecord& r) {
            note_sizes(r);
            r.blackout = monotonic_now() - paused_at(r);
        });
    }));
    rehearsed_ = true;
    return Error(Code::Cancelled, "it was a rehearsal");
}

Left Outgoing::left() const {
    if (attempt_.request.elsewhere())
        return Left::Elsewhere;
    if (attempt_.plan.successor != SEGUE_SUCCESSOR_LATER)
        return Left::ToPeer;
    return attempt_.request.save ? Left::AtRest : Left::ToHolder;
}

void Outgoing::finish() {
    ctx_.run.gone();
    attempt_.session.end_all();
    attempt_.enter(Phase::Retire, Deadline::in(kRetire));
    // Told by the side that carries the guest on, where there is one: one update, one entry in the
    // journal.
    const auto complete = [this] {
        attempt_.progress.change([this](report::UpdateRecord& r) {
            r.status = fetched_ ? UpdateStatus::Completed : UpdateStatus::Failed;
            note_sizes(r);
            if (left() == Left::Elsewhere)
                r.blackout = monotonic_now() - paused_at(r);
        });
        if (left() == Left::AtRest || left() == Left::Elsewhere)
            attempt_.progress.end(attempt_.progress.snapshot().status,
                                  fetched_ ? std::nullopt : std::optional(fetched_.error()));
    };
    watchdog_.arm(attempt_.session.deadline, [this, complete] {
        log::error(hung("mode/" + attempt_.request.mode, "end").what());
        complete();
        on_hung_("mode/" + attempt_.request.mode, Code::Ok);
    });
    end(SEGUE_OUTCOME_COMPLETED);
    ctx_.dirty_log.stop();
    const bool late = watchdog_.disarm();
    attempt_.session.close_channels();
    if (!late)
        complete();
}

// The mode's last hook; its threads end with it. [under the watchdog]
void Outgoing::end(std::uint32_t outcome) {
    if (!mode_)
        return;
    mode_->end(outcome);
    (void)services_.threads().join(Deadline::never()).ok();
}

} // namespace segue::update
