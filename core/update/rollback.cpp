// SPDX-License-Identifier: Apache-2.0
// rollback.cpp - the one way back of an outgoing update, whatever failed.
#include "core/update/outgoing.hpp"

namespace segue::update {

using report::Phase;
using report::UpdateStatus;

namespace {

// What plugins may take to reclaim, and again to end.
constexpr std::chrono::seconds kRollback{2};
// For what has no way out of its own: a cancel, a deadline, a broken connection.
constexpr const char* kTryAgain = "the guest runs on here as before; try again, or give the phase "
                                  "more time: update.deadline";

} // namespace

// The guest is ours, whatever failed. The guest goes on first, the cleaning up comes after.
void Outgoing::roll_back(Error why) {
    enter_rollback(why);
    Status reclaimed;
    const bool back = watched("reclaim", why, [&] {
        if (mode_)
            reclaimed = mode_->reclaim();
        if (keeper_)
            keeper_->drop();
    });
    if (!back) {
        clean_up();
        return;
    }
    if (!reclaimed)
        why = std::move(why).with("reclaim", reclaimed.error().what());
    go_on();
    if (successor_)
        successor_->explain(why);
    if (why.way_out().empty())
        why = std::move(why).way_out(kTryAgain);
    const bool cancelled = why.code() == Code::Cancelled;
    const bool ended = watched(
        "end", why, [&] { end(cancelled ? SEGUE_OUTCOME_CANCELLED : SEGUE_OUTCOME_FAILED); });
    release();
    if (attempt_.plan.successor == SEGUE_SUCCESSOR_PEER && !attempt_.request.elsewhere())
        attempt_.session.clear_addresses();
    if (ended && rehearsed_)
        attempt_.progress.end(UpdateStatus::Completed, std::nullopt);
    else if (ended)
        attempt_.progress.end(cancelled ? UpdateStatus::Cancelled : UpdateStatus::Failed,
                              std::move(why));
}

// From here on the services of a hook that still runs answer PHASE.
void Outgoing::enter_rollback(Error& why) {
    attempt_.session.phase = Phase::Rollback;
    attempt_.session.end_all();
    ctx_.ownership.set_mark({attempt_.number, Phase::Rollback});
    attempt_.progress.enter(Phase::Rollback);
    if (successor_ && successor_->abandon())
        if (Status s = ctx_.devices.reclaim(); !s)
            why = std::move(why).with("reclaim", s.error().what());
}

// The log last: that it ends takes grace periods, and the guest runs already.
void Outgoing::go_on() noexcept {
    ctx_.run.go_on();
    ctx_.frontend.resume();
    ctx_.frontend.closing(false);
    ctx_.dirty_log.stop();
}

void Outgoing::release() {
    attempt_.session.close_channels();
    successor_.reset(); // reaps
    ctx_.ram_converter.stop();
}

// After a hook that came back too late: all else is done.
void Outgoing::clean_up() {
    end(SEGUE_OUTCOME_FAILED);
    release();
}

// Calls into plugins during a rollback. False: they did not come back in time, the guest went on
// without them, and the update is over.
bool Outgoing::watched(const char* name, const Error& why, const std::function<void()>& call) {
    const std::string plugin = "mode/" + attempt_.request.mode;
    watchdog_.arm(Deadline::in(kRollback), [this, plugin, name, &why] {
        hung_ = true;
        go_on();
        attempt_.progress.end(UpdateStatus::Failed, hung(plugin, name).with("before", why.what()));
        on_hung_(plugin, Code::Deadline);
    });
    call();
    return !watchdog_.disarm();
}

} // namespace segue::update
