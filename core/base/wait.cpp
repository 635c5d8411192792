// SPDX-License-Identifier: Apache-2.0
#include "core/base/wait.hpp"

#include <array>

#include <segue/cpp/sys.hpp>

namespace segue {

namespace {

enum class Slice { Whole, Short };

Status wait(const Waiter& w, int fd, short events, int ms, Slice slice) {
    // poll(2) skips negative descriptors.
    std::array<pollfd, 3> p = {
        {{fd, events, 0}, {w.cancel_fd, POLLIN, 0}, {w.peer_pidfd, POLLIN, 0}}};
    const int n = ::poll(p.data(), p.size(), ms);
    if (n < 0 && errno != EINTR)
        return Error::from_errno(errno, "poll");
    if (p[1].revents != 0)
        return Error(Code::Cancelled, "the update was cancelled");
    if (p[0].revents != 0)
        return {};
    if (p[2].revents != 0)
        return Error(Code::Closed, "the other VMM process ended");
    if (w.deadline.passed())
        return Error(Code::Deadline, "the phase's deadline passed");
    if (slice == Slice::Short)
        return {};
    return Error(Code::Again, "poll");
}

} // namespace

Status Waiter::until(int fd, short events) const {
    for (;;) {
        Status s = wait(*this, fd, events, deadline.poll_ms(), Slice::Whole);
        if (s.code() != Code::Again)
            return s;
    }
}

Status Waiter::nap(int ms) const {
    const int left = deadline.poll_ms();
    return wait(*this, -1, 0, left >= 0 && left < ms ? left : ms, Slice::Short);
}

Status Waiter::check() const {
    return wait(*this, -1, 0, 0, Slice::Short);
}

} // namespace segue
