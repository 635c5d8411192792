// SPDX-License-Identifier: Apache-2.0
// tty.hpp - a terminal in raw mode, and back.
#pragma once

#include <termios.h>

#include <optional>
#include <span>

#include <segue/cpp/result.hpp>

namespace segue::vmm {

// The terminal under a console, if its input is one. Its old settings travel with the guest: the
// generation that ends the guest restores them.
class RawTerminal {
public:
    // Raw, but for the signal keys: Ctrl-C ends the VMM, not the wait for a guest that hangs.
    // Nothing where `fd` is no terminal or this process is in its background.
    void enter(int fd) noexcept;
    void leave(int fd) noexcept;

    // Empty: not raw.
    std::span<const std::byte> saved() const;
    Status load(std::span<const std::byte> saved);

private:
    std::optional<termios> saved_;
};

} // namespace segue::vmm
