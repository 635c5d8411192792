// SPDX-License-Identifier: Apache-2.0
// The device's thread, and what an update does with it.
#include <poll.h>
#include <signal.h>

#include <segue/cpp/sys.hpp>

#include "vmm/virtio/core.hpp"
#include "vmm/virtio/uapi.hpp"

namespace segue::vmm::virtio {

Core::~Core() {
    {
        const std::lock_guard lock(mutex_);
        quit_ = true;
    }
    changed_.notify_all();
    if (!thread_.joinable())
        return;
    sys::signal_event(doorbell_.get());
    thread_.join();
}

void Core::loop() {
    (void)::pthread_setname_np(::pthread_self(), facts().id.substr(0, 15).c_str());
    sigset_t all;
    ::sigfillset(&all);
    ::sigdelset(&all, SIGBUS); // blocked, a fault in RAM would end us without a word
    (void)::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    while (wait_for_work()) {
        pollfd p[] = {{doorbell_.get(), POLLIN, 0},
                      {model_->event(), POLLIN, 0},
                      {lending_ ? lending_->event() : -1, POLLIN, 0}};
        if (::poll(p, std::size(p), -1) <= 0)
            continue;
        if (p[0].revents != 0)
            sys::clear_event(doorbell_.get());
        {
            const std::lock_guard lock(mutex_);
            work();
        }
        model_->submit();
    }
}

// Parks the thread while the device is not active and nothing is in flight; false at the end, for
// which requests in flight are waited for, because the host writes where they say.
bool Core::wait_for_work() {
    std::unique_lock lock(mutex_);
    if (!active_ && model_->in_flight() == 0) {
        idle_ = true;
        changed_.notify_all();
        changed_.wait(lock, [&] { return active_ || quit_; });
        idle_ = false;
    }
    return !quit_ || model_->in_flight() != 0;
}

bool Core::serving() const {
    return active_ && !quit_ && !resetting_ && (status_ & VIRTIO_CONFIG_S_DRIVER_OK) != 0 &&
           (status_ & VIRTIO_CONFIG_S_NEEDS_RESET) == 0;
}

void Core::work() {
    model_->finish(queues_, memory_);
    hear();
    if (model_->config_changed() && (status_ & VIRTIO_CONFIG_S_DRIVER_OK) != 0)
        interrupts_.tell_config(config_vector_);
    if (serving()) {
        const auto more = serve_all();
        if (!more)
            fail(more.error());
        else if (*more)
            sys::signal_event(doorbell_.get());
    }
    for (Queue& q : queues_)
        if (q.wants_interrupt())
            interrupts_.tell_used(q.state().vector);
    if (resetting_ && model_->in_flight() == 0)
        end_reset();
}

Result<bool> Core::serve_all() {
    bool more = false;
    for (unsigned i = 0; i < queues_.size(); ++i) {
        SEGUE_ASSIGN(const bool again, serve(i));
        more = more || again;
    }
    return more;
}

Status Core::settle(Deadline deadline) {
    std::unique_lock lock(mutex_);
    active_ = false;
    sys::signal_event(doorbell_.get());
    const auto parked = [&] { return idle_; };
    if (deadline.is_never())
        changed_.wait(lock, parked);
    else if (!changed_.wait_until(lock, deadline.at(), parked))
        return Error(Code::Deadline, "device '" + facts().id +
                                         "': " + std::to_string(model_->in_flight()) +
                                         " requests to the host are not answered in time")
            .way_out("look at what the device stands for on the host, or give update.deadline."
                     "drain more time")
            .with("device", facts().id);
    SEGUE_TRY(take_all_back());
    return model_->park();
}

// What was made available while nobody looked is found by looking once. What the driver was told
// last may have been on its way into the old VM when the state was saved: it is told again, which
// costs a look at rings that have nothing new.
void Core::activate() noexcept {
    const std::lock_guard lock(mutex_);
    active_ = true;
    model_->unpark();
    if (std::exchange(loaded_, false)) {
        for (Queue& q : queues_)
            if (q.enabled())
                interrupts_.tell_used(q.state().vector);
        if ((status_ & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
            interrupts_.tell_config(config_vector_);
    }
    changed_.notify_all();
    sys::signal_event(doorbell_.get());
}

unsigned Core::requests_waiting() const {
    const std::lock_guard lock(mutex_);
    unsigned requests = 0;
    for (unsigned i = 0; i < queues_.size(); ++i)
        if (model_->takes_requests(i))
            requests += queues_[i].waiting();
    return requests;
}

CoreState Core::state() const {
    const std::lock_guard lock(mutex_);
    CoreState s = {offered_, status_, features_, config_vector_, {}};
    for (const Queue& q : queues_)
        s.queues.push_back(q.state());
    return s;
}

void Core::save_model(state::Writer& section) const {
    const std::lock_guard lock(mutex_);
    model_->save(section, !active_);
}

Status Core::load(const CoreState& state, const state::Section& model) {
    const std::lock_guard lock(mutex_);
    if (const std::uint64_t lacking = (state.offered | state.features) & ~supported_; lacking != 0)
        return Error(Code::Unsupported, "device '" + facts().id +
                                            "': the guest's has virtio features that this VMM's "
                                            "lacks, mask " +
                                            std::to_string(lacking))
            .way_out("update to a VMM that has them")
            .with("device", facts().id);
    const std::uint64_t before = std::exchange(features_, state.features);
    std::vector<std::unique_ptr<Ring>> rings(queues_.size());
    for (std::size_t i = 0; i < rings.size(); ++i) {
        if (!state.queues[i].enabled)
            continue;
        auto ring = queues_[i].reopened(memory_, ring_features(), state.queues[i]);
        if (!ring) {
            features_ = before;
            return std::move(ring).error().while_doing("device '" + facts().id + "'");
        }
        rings[i] = std::move(*ring);
    }
    if (Status s = model_->load(model); !s) {
        features_ = before;
        return s;
    }
    offered_ = state.offered;
    status_ = state.status;
    config_vector_ = state.config_vector;
    for (std::size_t i = 0; i < rings.size(); ++i)
        queues_[i].restore(state.queues[i], std::move(rings[i]));
    if ((status_ & VIRTIO_CONFIG_S_DRIVER_OK) != 0)
        start_model();
    loaded_ = true;
    return {};
}

void Core::reset() noexcept {
    (void)settle(Deadline::never()).ok();
    const std::lock_guard lock(mutex_);
    begin_reset();
}

} // namespace segue::vmm::virtio
