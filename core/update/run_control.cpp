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

// Gate first: a device has nothing to do that a guest could miss before its first instruction.
void RunControl::run_as(RunState state) noexcept {
    state_ = state;
    settled_ = false;
    if (state != RunState::Running)
        return;
    vcpus_->run();
    devices_->activate();
}

Status RunControl::pause() {
    const std::lock_guard lock(mutex_);
    if (held_)
        return busy();
    if (state_ != RunState::Running)
        return {};
    SEGUE_TRY(vcpus_->stop(Deadline::in(kStopByHand)));
    if (Status s = devices_->quiesce(); !s) {
        run_as(RunState::Running);
        return s;
    }
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

void RunControl::start() {
    const std::lock_guard lock(mutex_);
    run_as(RunState::Running);
}

Status RunControl::restart(const std::function<Status()>& again) {
    const std::lock_guard lock(mutex_);
    if (held_)
        return busy();
    // The guest's own event refuses the stop, and has done it.
    (void)vcpus_->stop(Deadline::in(kStopByHand)).ok();
    state_ = RunState::Paused;
    SEGUE_TRY(devices_->quiesce());
    SEGUE_TRY(again());
    run_as(RunState::Running);
    return {};
}

Status RunControl::begin() {
    const std::lock_guard lock(mutex_);
    if (held_)
        return busy();
    held_ = true;
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

Status RunControl::stop(Deadline deadline) {
    const std::lock_guard lock(mutex_);
    before_ = state_;
    if (state_ == RunState::Running) {
        SEGUE_TRY(vcpus_->stop(deadline));
        if (Status s = devices_->quiesce(); !s) {
            run_as(RunState::Running);
            return s;
        }
    }
    stopped_ = true;
    state_ = RunState::FinishMigrate;
    return {};
}

void RunControl::go_on() noexcept {
    const std::lock_guard lock(mutex_);
    if (stopped_)
        run_as(before_);
    else if (settled_ && state_ == RunState::Running)
        devices_->activate();
    stopped_ = settled_ = false;
}

void RunControl::gone() {
    const std::lock_guard lock(mutex_);
    stopped_ = false;
    state_ = RunState::Postmigrate;
}

void RunControl::take_over(RunState before) noexcept {
    const std::lock_guard lock(mutex_);
    run_as(before);
}

} // namespace segue::update
