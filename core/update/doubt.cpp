// SPDX-License-Identifier: Apache-2.0
#include "core/update/doubt.hpp"

#include <segue/cpp/sys.hpp>

namespace segue::update {

Doubt::Doubt() {
    if (auto event = sys::event()) // without one an answer is seen a little later
        answered_ = std::move(*event);
}

void Doubt::open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    answer_.reset();
    sys::clear_event(answered_.get());
}

bool Doubt::is_open() const {
    const std::lock_guard lock(mutex_);
    return open_ && !answer_;
}

Status Doubt::resolve(Place place) {
    const std::lock_guard lock(mutex_);
    if (answer_ && *answer_ == place)
        return {};
    if (!open_ || answer_)
        return Error(Code::Refused,
                     "there is nothing to resolve: which side has the guest is known")
            .way_out("look at both sides: segue status NAME");
    answer_ = place;
    sys::signal_event(answered_.get());
    return {};
}

std::optional<Place> Doubt::answer() const {
    const std::lock_guard lock(mutex_);
    return answer_;
}

std::optional<Place> Doubt::close() {
    const std::lock_guard lock(mutex_);
    open_ = false;
    sys::clear_event(answered_.get());
    return answer_;
}

} // namespace segue::update
