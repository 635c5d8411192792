// SPDX-License-Identifier: Apache-2.0
#include "core/update/run_control.hpp"

namespace segue::update {

using report::RunState;

namespace {

constexpr std::chrono::seconds kStopByHand{5};

Error busy() {
    return Error(Code::Exists, "an update of this guest is running")
        .way_out("wait for it, or cancel it: segue cancel NAME");
}

} // namespace

RunState RunControl::state() const {
    const std::lock_guard lock(mutex_);
    return state_;
}

RunState RunControl::before() const {
    const std::lock_guard lock(mutex_);
    return stopped_ ? before_ : state_;
}

bool RunControl::asleep() const {
    const std::lock_guard lock(mutex_);
    return asleep_;
}

// Gate first: a device has nothing to do that a guest could miss before its first instruction.
void RunControl::run_as(RunState state) noexcept {
    state_ = state == RunState::Running && asleep_ ? RunState::Suspended : state;
    settled_ = false;
    if (state_ != RunState::Running)
        return;
    vcpus_->run();
    devices_->activate();
}

// The guest may have gone to sleep a moment ago: then it stands still as well.
Status RunControl::stop_vcpus(Deadline deadline) {
    Status s = vcpus_->stop(deadline);
    if (s || s.error().detail("event") != "suspend")
        return s;
    asleep_ = true;
    return {};
}

// An error: the guest goes on.
Status RunControl::stop_all(Deadline deadline) {
    SEGUE_TRY(stop_vcpus(deadline));
    Status s = devices_->quiesce();
    if (!s)
        run_as(RunState::Running);
    return s;
}

Status RunControl::pause() {
    const std::lock_guard lock(mutex_);
    if (held_)
        return busy();
    if (state_ == RunState::Running)
        SEGUE_TRY(stop_all(Deadline::in(kStopByHand)));
    if (state_ == RunState::Running || state_ == RunState::Suspended)
        state_ = RunState::Paused;
    return {};
}

Status RunControl::resume() {
    const std::lock_guard lock(mutex_);
    if (held_)
        return busy();
    if (state_ == RunState::Paused)
        run_as(RunState::Running);
    return {};
}

Status RunControl::wake(const std::function<Status()>& waking) {
    const std::lock_guard lock(mutex_);
    if (held_)
        return busy();
    if (state_ != RunState::Suspended)
        return Error(Code::Refused,
                     std::string("the guest is not suspended: it is ") + name_of(state_))
            .way_out(asleep_ ? "let it be suspended again: segue resume NAME"
                             : "`segue status` shows what it does");
    SEGUE_TRY(waking());
    asleep_ = false;
    run_as(RunState::Running);
    return {};
}

Status RunControl::suspend() {
    const std::lock_guard lock(mutex_);
    if (state_ != RunState::Running)
        return {}; // whoever stopped it since knows, or it is not ours any more
    SEGUE_TRY(stop_vcpus(Deadline::in(kStopByHand)));
    state_ = RunState::Suspended;
    return devices_->quiesce();
}

void RunControl::start() {
    const std::lock_guard lock(mutex_);
    run_as(RunState::Running);
}

Status RunControl::restart(const std::function<Status()>& again) {
    {
        const std::lock_guard lock(mutex_);
        if (held_)
            return busy();
        // The guest's own event refuses the stop, and has done it.
        (void)vcpus_->stop(Deadline::in(kStopByHand)).ok();
        state_ = RunState::Paused;
        asleep_ = false;
        SEGUE_TRY(devices_->quiesce());
        held_ = true;
    }
    // May wait for RAM that is still to come; others ask for the state meanwhile.
    Status s = again();
    const std::lock_guard lock(mutex_);
    held_ = false;
    SEGUE_TRY(std::move(s));
    run_as(RunState::Running);
    return {};
}

Status RunControl::begin() {
    const std::lock_guard lock(mutex_);
    if (held_)
        return busy();
    held_ = may_throttle_ = true;
    return {};
}

void RunControl::finish() {
    const std::lock_guard lock(mutex_);
    held_ = false;
}

Status RunControl::settle(Deadline deadline) {
    {
        const std::lock_guard lock(mutex_);
        settled_ = true; // some of them, where it fails
    }
    return devices_->settle(deadline); // may take its time; others ask for the state meanwhile
}

// By an event of its own the guest stands still, and its devices go on, as after go_on().
Result<std::chrono::nanoseconds> RunControl::while_still(Deadline drain, Deadline stop,
                                                         const std::function<Status()>& act) {
    Status s = settle(drain);
    const std::lock_guard lock(mutex_);
    const auto since = std::chrono::steady_clock::now();
    const bool runs = state_ == RunState::Running;
    if (s && runs)
        s = stop_all(stop);
    if (!s) {
        if (settled_ && runs)
            devices_->activate();
        settled_ = false;
        return std::move(s).error();
    }
    s = act();
    settled_ = false;
    if (runs)
        run_as(RunState::Running);
    if (!s)
        return std::move(s).error();
    return runs ? std::chrono::steady_clock::now() - since : std::chrono::nanoseconds(0);
}

Status RunControl::stop(Deadline deadline) {
    const std::lock_guard lock(mutex_);
    before_ = state_;
    if (state_ == RunState::Running) {
        SEGUE_TRY(stop_all(deadline));
        before_ = asleep_ ? RunState::Suspended : RunState::Running;
    }
    stopped_ = true;
    state_ = RunState::FinishMigrate;
    return {};
}

void RunControl::throttle(unsigned percent) noexcept {
    const std::lock_guard lock(mutex_);
    if (may_throttle_)
        vcpus_->throttle(percent);
}

void RunControl::go_on() noexcept {
    const std::lock_guard lock(mutex_);
    may_throttle_ = false;
    vcpus_->throttle(0);
    if (stopped_)
        run_as(before_);
    else if (settled_ && state_ == RunState::Running)
        devices_->activate();
    stopped_ = settled_ = false;
}

void RunControl::in_doubt() {
    const std::lock_guard lock(mutex_);
    state_ = RunState::Postmigrate;
}

void RunControl::gone() {
    const std::lock_guard lock(mutex_);
    stopped_ = false;
    state_ = RunState::Postmigrate;
}

void RunControl::take_over(RunState before, bool asleep) noexcept {
    const std::lock_guard lock(mutex_);
    asleep_ = asleep;
    run_as(before);
}

} // namespace segue::update
