// SPDX-License-Identifier: Apache-2.0
// stop.hpp - a cancel of this process's own beside the one that it was given.
#pragma once

#include <sys/epoll.h>

#include <segue/cpp/sys.hpp>
#include <segue/cpp/unique_fd.hpp>

namespace segue::update {

// [any]
class Stop {
public:
    // `cancel_fd` is borrowed; -1: none.
    explicit Stop(int cancel_fd)
        : given_(cancel_fd) {
        auto own = sys::event();
        UniqueFd both(::epoll_create1(EPOLL_CLOEXEC));
        if (!own || !both || !watch(both.get(), own->get()) ||
            (cancel_fd >= 0 && !watch(both.get(), cancel_fd)))
            return; // out of descriptors: then only the given one
        own_ = std::move(*own);
        both_ = std::move(both);
    }

    // Readable once one of the two is.
    int fd() const { return both_ ? both_.get() : given_; }
    void signal() const {
        if (own_)
            sys::signal_event(own_.get());
    }

private:
    static bool watch(int epoll, int fd) {
        epoll_event e = {EPOLLIN, {}};
        return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) == 0;
    }

    int given_;
    UniqueFd own_, both_; // an eventfd; an epoll of it and the given one
};

} // namespace segue::update
