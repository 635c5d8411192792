// SPDX-License-Identifier: Apache-2.0
// Who serves a queue: the device's worker, or a server outside the VMM.
#include <segue/cpp/sys.hpp>

#include "core/base/log.hpp"
#include "vmm/virtio/core.hpp"
#include "vmm/virtio/uapi.hpp"

namespace segue::vmm::virtio {

int Core::doorbell(unsigned queue) const {
    const int kick = lending_ ? lending_->kick(queue) : -1;
    return kick >= 0 ? kick : doorbell_.get();
}

void Core::rewire() {
    const std::lock_guard lock(mutex_);
    for (unsigned i = 0; i < queues_.size(); ++i)
        rewire(i);
}

void Core::rewire(unsigned index) {
    if (!lending_ || !lending_->is_lent(index))
        return;
    const int line = interrupts_.line(queues_[index].state().vector);
    if (const Status s = lending_->rewire(index, line); !s)
        fail(s.error());
}

void Core::start_model() {
    model_->start(features_);
    if (!lending_)
        return;
    const Status s = lending_->prepare(features_, memory_.ram());
    if (!s && !std::exchange(alone_, true))
        log::info("device '" + facts().id +
                  "' is served by the VMM's own thread: " + s.error().what());
}

void Core::hear() {
    if (!lending_)
        return;
    for (const Lending::News& news : lending_->hear()) {
        if (news.what == Lending::News::Call && (status_ & VIRTIO_CONFIG_S_DRIVER_OK) != 0)
            interrupts_.tell_used(queues_[news.queue].state().vector);
        if (news.what == Lending::News::Error && serving())
            fail(Error(Code::Corrupt, "the driver has broken queue " + std::to_string(news.queue)));
    }
}

// What the server is not to have now is served here, and may be the server's after that.
Result<bool> Core::serve(unsigned index) {
    const auto lends = [&] {
        return lending_ && lending_->may_lend(index) && model_->lends(index) &&
               queues_[index].enabled();
    };
    if (lending_ && lending_->is_lent(index)) {
        if (lends())
            return false;
        SEGUE_TRY(take_back(index));
    }
    bool more = false;
    if (!lends()) {
        SEGUE_ASSIGN(more, model_->serve(index, queues_, memory_));
    }
    if (lends() && lend(index))
        return false;
    return more;
}

bool Core::lend(unsigned index) {
    const QueueState state = queues_[index].state();
    const Status s = lending_->lend(index, state, interrupts_.line(state.vector));
    if (!s) {
        log::warn("device '" + facts().id +
                  "' is served by the VMM's own thread: " + s.error().what());
        sys::signal_event(doorbell_.get()); // what was left for the server is to be looked at
    }
    return s.ok();
}

Status Core::take_back(unsigned index) {
    SEGUE_ASSIGN(const RingPosition position, lending_->take_back(index));
    return queues_[index].move_to(position, memory_, ring_features());
}

Status Core::take_all_back() {
    if (!lending_)
        return {};
    Status all;
    for (unsigned i = 0; i < queues_.size(); ++i) {
        if (!lending_->is_lent(i))
            continue;
        Status s = take_back(i);
        if (s)
            continue;
        if (!lending_->is_lent(i))
            fail(s.error());
        else if (all) // it may write to guest RAM yet
            all = std::move(s);
    }
    return all;
}

} // namespace segue::vmm::virtio
