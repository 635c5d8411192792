// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_console/pty_port.hpp"

#include <sys/epoll.h>

#include <algorithm>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

PtyPort::PtyPort(Pty pty, UniqueFd epoll)
    : HostPort(false)
    , pty_(std::move(pty))
    , epoll_(std::move(epoll)) {}

Result<std::unique_ptr<HostPort>> PtyPort::create(Pty pty) {
    UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event none = {};
    if (!epoll ||
        (pty.master >= 0 && ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, pty.master, &none) != 0))
        return Error::from_errno(errno, "epoll for a pty");
    return std::unique_ptr<HostPort>(new PtyPort(std::move(pty), std::move(epoll)));
}

void PtyPort::watch(bool input, bool room) {
    epoll_event e = {};
    e.events = (input ? EPOLLIN : 0u) | (room ? EPOLLOUT : 0u);
    if (e.events == watched_ || pty_.master < 0)
        return;
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, pty_.master, &e);
    watched_ = e.events;
}

std::size_t PtyPort::read(std::span<std::byte> to) {
    const auto n = sys::retry([&] { return ::read(pty_.master, to.data(), to.size()); });
    return static_cast<std::size_t>(std::max<ssize_t>(n, 0));
}

std::size_t PtyPort::write(std::span<const std::byte> from) {
    const auto n = sys::retry([&] { return ::write(pty_.master, from.data(), from.size()); });
    return static_cast<std::size_t>(std::max<ssize_t>(n, 0));
}

} // namespace segue::vmm
