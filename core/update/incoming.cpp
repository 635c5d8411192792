// SPDX-License-Identifier: Apache-2.0
#include "core/update/incoming.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/log.hpp"
#include "core/base/version.hpp"
#include "core/report/codec.hpp"
#include "core/state/inspect.hpp"
#include "core/update/at_rest.hpp"
#include "core/update/pages.hpp"
#include "core/update/services.hpp"

namespace segue::update {

using report::Phase;
using report::RunState;
using report::UpdateStatus;

namespace {

constexpr std::chrono::seconds kRetire{2}; // what a mode may take to end

} // namespace

Incoming::Incoming(Standby& standby, std::unique_ptr<Origin> origin)
    : s_(standby)
    , origin_(std::move(origin))
    , progress_(standby.report, report::UpdateRecord{})
    , stop_(standby.cancel_fd)
    , session_(Side::Incoming, standby.inventory,
               [this](const std::string& name) {
                   return s_.plugins.transport_of(name, plan_.successor);
               })
    , services_(session_) {
    session_.cancel_fd = stop_.fd();
}

// One of the mode's threads may wait for what the other side will never send: a service of the
// engine's answers CANCELLED from now on.
void Incoming::stop_threads() {
    stop_.signal();
    session_.end_all();
    if (filling_)
        filling_->disarm();
    (void)services_.threads().join(Deadline::in(kRetire)).ok();
}

void Incoming::enter(Phase phase) {
    session_.phase = phase;
    progress_.enter(phase);
}

Status Incoming::run() {
    Status s = prepare();
    if (s)
        s = origin_->ready(session_.wait());
    if (s) {
        enter(Phase::Copy);
        s = arrive();
    }
    if (s)
        s = mode_->copy();
    if (s)
        s = load();
    if (s && hello_.rehearsal)
        return rehearse();
    if (s)
        s = claim();
    if (s)
        s = commit();
    if (s)
        return s;
    origin_->refuse(s.error()); // nobody is left in the dark
    if (mode_) {
        mode_->end(SEGUE_OUTCOME_FAILED);
        stop_threads();
    }
    const bool known = !progress_.snapshot().id.empty(); // else nothing was begun
    progress_.change([this](report::UpdateRecord& r) { r.switch_over = origin_->switched(); });
    if (known && !owner_lives(s.code()))
        progress_.end(
            UpdateStatus::Failed,
            Error(s.error()).way_out(where_it_is()).with("phase", name_of(progress_.phase())));
    return s;
}

std::string Incoming::where_it_is() const {
    if (origin_->is_elsewhere())
        return "this host has not run the guest: look for it on the other one";
    return plan_.successor == SEGUE_SUCCESSOR_LATER
               ? "the state is as it was: segue start " + s_.guest.name
               : "no VMM has the guest now: start it anew";
}

// An owner that lives journals its updates; where none does, nobody else can. A hang-up comes a
// moment before the end of the process that hangs up.
bool Incoming::owner_lives(Code why) const {
    const int owner = origin_->peer_pidfd();
    const Deadline moment = Deadline::in(std::chrono::seconds(why == Code::Closed ? 1 : 0));
    return owner >= 0 && !Waiter{moment, s_.cancel_fd}.until(owner, POLLIN);
}

Status Incoming::load() {
    enter(Phase::Handover);
    if (filling_)
        SEGUE_TRY(session_.outlast_commit());
    SEGUE_TRY(mode_->handover());
    if (!session_.state_passed)
        return Error(Code::Refused, "mode/" + hello_.mode + " returned without the state");
    SEGUE_TRY(all_received(session_));
    SEGUE_TRY(session_.at_end());
    if (plan_.successor == SEGUE_SUCCESSOR_LATER)
        SEGUE_TRY(check_stamps(session_,
                               {header_.guest, header_.generation, header_.attempt, hello_.nonce}));
    SEGUE_ASSIGN(const state::Reader in, state::Reader::parse(session_.state_in));
    const state::Header& h = in.header();
    if (h.guest != header_.guest || h.generation != header_.generation ||
        h.attempt != header_.attempt)
        return Error(Code::Refused, "the state is of another guest, generation or attempt");
    SEGUE_TRY(s_.machine.load(in));
    SEGUE_TRY(take_run(in));
    return in.all_taken();
}

Status Incoming::take_run(const state::Reader& in) {
    SEGUE_ASSIGN(const state::Section* run, in.take("run"));
    SEGUE_ASSIGN(const std::uint64_t before, run->number("state"));
    if (before >= report::kRunStateNames.size())
        return Error(Code::Corrupt, "unknown run state");
    before_ = static_cast<RunState>(before);
    if (run->find("asleep") != nullptr) { // not of a VMM without suspend
        SEGUE_ASSIGN(asleep_, run->flag("asleep"));
    }
    SEGUE_ASSIGN(const std::uint64_t paused_at, run->number("paused-at-ns"));
    paused_at_ = std::chrono::nanoseconds(paused_at);
    SEGUE_ASSIGN(report::UpdateRecord record, report::load_record(in));
    record.guest = state::format_uuid(header_.guest);
    record.state_bytes = session_.state_in.size();
    record.ram_bytes_copied = session_.ram_bytes;
    record.to_pid = ::getpid();
    record.to_version = version();
    record.warnings.insert(record.warnings.end(), s_.warnings.begin(), s_.warnings.end());
    progress_.change([&](report::UpdateRecord& r) {
        record.successor_phases = std::move(r.phases);
        if (!record.successor_phases.empty())
            record.successor_phases.back().ended = monotonic_now();
        r = std::move(record);
    });
    return {};
}

// The guest runs on where it is from LOADED on; nobody runs it here. Ends as an error: there is
// nothing to serve.
Status Incoming::rehearse() {
    Status s = origin_->tell(MessageType::Loaded, session_.wait());
    if (s)
        s = s_.machine.compare();
    if (s)
        s = origin_->tell(MessageType::Rehearsed, session_.wait());
    if (!s)
        origin_->refuse(s.error());
    mode_->end(SEGUE_OUTCOME_CANCELLED);
    return s ? Error(Code::Cancelled, "rehearsed: the guest stays where it was") : s;
}

// The record says beforehand that something may be claimed: if we die in between, the owner undoes.
Status Incoming::claim() {
    if (!s_.ownership->open_claims())
        return Error(Code::Refused, "the owner took the guest back before anything was claimed");
    bool claimed = false;
    Status s = devices_->claim(&claimed);
    if (!claimed)
        s_.ownership->clear_claims();
    return s;
}

Status Incoming::commit() {
    enter(Phase::Commit);
    if (filling_)
        SEGUE_TRY(filling_->seal());
    SEGUE_TRY(origin_->claim(*s_.ownership, s_.guest.generation, header_.attempt, session_.wait()));
    if (origin_->is_elsewhere())
        paused_at_ = monotonic_now() - origin_->stood_still();
    s_.run.take_over(before_, asleep_);
    // The guest runs. What follows may take its time, and none of it can fail the update.
    const auto now = monotonic_now();
    progress_.change([&](report::UpdateRecord& r) {
        r.blackout = std::max(now - paused_at_, std::chrono::nanoseconds(0)); // after a boot
        r.switch_over = origin_->switched();
        if (held_at_.count() != 0)
            r.unanswered = now - held_at_;
    });
    s_.ownership->clear_claims();
    s_.ownership->set_owner(ProcessId::self());
    origin_->running();
    if (filling_) {
        fetching_ = true;
        fetcher_.go();
        return {};
    }
    finish();
    return {};
}

void Incoming::finish() {
    enter(Phase::Retire);
    retire();
    if (plan_.successor != SEGUE_SUCCESSOR_PEER)
        use_up(session_);
    if (!hung_) { // else it may be in one of them
        session_.close_channels();
        origin_->finish();
    }
    progress_.end(UpdateStatus::Completed, std::nullopt);
}

// The mode's last hook, on a thread of its own: this one must serve the guest, come what may.
void Incoming::retire() {
    retirer_.go();
    bool late = !retirer_.ends_within(kRetire);
    if (late) { // a thread that hears the other side out, and that one is silent
        session_.end_all();
        late = !retirer_.ends_within(kRetire);
    }
    hung_ = late;
    if (!hung_)
        return retirer_.join();
    log::error("mode/" + hello_.mode + " did not return from end: the guest runs without it");
    retirer_.detach();
}

} // namespace segue::update
