// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/console/tty.hpp"

#include <unistd.h>

#include <cstring>

namespace segue::vmm {

void RawTerminal::enter(int fd) noexcept {
    termios now = {};
    if (saved_ || fd < 0 || ::tcgetattr(fd, &now) != 0 || ::tcgetpgrp(fd) != ::getpgrp())
        return;
    saved_ = now;
    ::cfmakeraw(&now);
    now.c_lflag |= ISIG;
    now.c_oflag |= OPOST; // lines of the VMM's own log stay readable
    (void)::tcsetattr(fd, TCSANOW, &now);
}

void RawTerminal::leave(int fd) noexcept {
    if (saved_)
        (void)::tcsetattr(fd, TCSANOW, &*saved_);
    saved_.reset();
}

std::span<const std::byte> RawTerminal::saved() const {
    return saved_ ? std::as_bytes(std::span(&*saved_, 1)) : std::span<const std::byte>();
}

Status RawTerminal::load(std::span<const std::byte> saved) {
    saved_.reset();
    if (saved.empty())
        return {};
    if (saved.size() != sizeof(termios))
        return Error(Code::Corrupt, "console: terminal settings of the wrong length");
    std::memcpy(&saved_.emplace(), saved.data(), saved.size());
    return {};
}

} // namespace segue::vmm
