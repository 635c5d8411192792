// SPDX-License-Identifier: Apache-2.0
#include "core/update/recovery.hpp"

#include <utility>

namespace segue::update {

void Recovery::lose() {
    const std::lock_guard lock(mutex_);
    lost_ = true;
}

Result<std::string> Recovery::await() {
    std::unique_lock lock(mutex_);
    waiting_ = true;
    changed_.wait(lock, [this] { return address_ || given_up_; });
    waiting_ = false;
    if (given_up_)
        return Error(Code::Cancelled, "nobody waits for the rest of the guest's RAM any more");
    return *std::exchange(address_, std::nullopt);
}

Status Recovery::recover(const std::string& address, const std::function<void()>& interrupt) {
    const std::lock_guard lock(mutex_);
    if (!lost_)
        return Error(Code::Refused, "no connection of this update is lost")
            .way_out("segue watch NAME shows where it is; a connection that is lost shows as "
                     "postcopy-paused");
    address_ = address;
    if (!waiting_) // under the lock: what await() gives next begins after that
        interrupt();
    changed_.notify_all();
    return {};
}

void Recovery::reached() {
    const std::lock_guard lock(mutex_);
    lost_ = false;
}

bool Recovery::lost() const {
    const std::lock_guard lock(mutex_);
    return lost_;
}

bool Recovery::overtaken() const {
    const std::lock_guard lock(mutex_);
    return address_ || given_up_;
}

bool Recovery::given_up() const {
    const std::lock_guard lock(mutex_);
    return given_up_;
}

void Recovery::give_up() {
    const std::lock_guard lock(mutex_);
    given_up_ = true;
    changed_.notify_all();
}

} // namespace segue::update
