// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/console/backend.hpp"

#include <termios.h>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

constexpr const char* kPty = "console.pty";
constexpr const char* kIn = "console.in";
constexpr const char* kOut = "console.out";

Status open_pty(ConsoleBackend& b, inventory::Inventory& inventory) {
    SEGUE_ASSIGN(UniqueFd master, sys::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
    int unlocked = 0;
    if (auto r = sys::ioctl(master.get(), TIOCSPTLCK, &unlocked, "unlock the pty"); !r)
        return std::move(r).error();
    unsigned number = 0;
    if (auto r = sys::ioctl(master.get(), TIOCGPTN, &number, "number of the pty"); !r)
        return std::move(r).error();
    b.config.path = "/dev/pts/" + std::to_string(number);
    SEGUE_ASSIGN(b.slave, sys::open(b.config.path, O_RDWR | O_NOCTTY));
    // Raw, or the line discipline would echo the guest's output back as its input.
    termios raw = {};
    if (::tcgetattr(b.slave.get(), &raw) != 0)
        return Error::from_errno(errno, "tcgetattr " + b.config.path);
    ::cfmakeraw(&raw);
    if (::tcsetattr(b.slave.get(), TCSANOW, &raw) != 0)
        return Error::from_errno(errno, "tcsetattr " + b.config.path);
    b.in = b.out = master.get();
    return inventory.add({kPty, std::move(master)});
}

Status open_file(ConsoleBackend& b, inventory::Inventory& inventory) {
    SEGUE_ASSIGN(UniqueFd out, sys::open(b.config.path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY));
    b.out = out.get();
    return inventory.add({kOut, std::move(out)});
}

// O_NONBLOCK belongs to the open file, which standard output shares with the caller's shell: a
// terminal or pipe is opened anew. A regular file keeps its offset, a socket cannot be opened.
Result<UniqueFd> own_output() {
    SEGUE_ASSIGN(const struct stat s, sys::stat(STDOUT_FILENO));
    if (S_ISCHR(s.st_mode) || S_ISFIFO(s.st_mode)) {
        auto fd = sys::open("/proc/self/fd/1", O_WRONLY | O_NOCTTY | O_NONBLOCK);
        if (fd)
            return fd;
    }
    return sys::dup(STDOUT_FILENO);
}

Status open_stdio(ConsoleBackend& b, inventory::Inventory& inventory) {
    SEGUE_ASSIGN(UniqueFd in, sys::dup(STDIN_FILENO));
    SEGUE_ASSIGN(UniqueFd out, own_output());
    b.in = in.get();
    b.out = out.get();
    SEGUE_TRY(inventory.add({kIn, std::move(in)}));
    return inventory.add({kOut, std::move(out)});
}

Result<int> need(const inventory::Inventory& inventory, const char* name) {
    const int fd = inventory.find(name);
    if (fd < 0)
        return Error(Code::NotFound, std::string("console: the inventory has no \"") + name + '"')
            .with("item", name);
    return fd;
}

} // namespace

Result<ConsoleBackend> open_console(const ConsoleConfig& config, inventory::Inventory& inventory) {
    ConsoleBackend b;
    b.config = config;
    switch (config.kind) {
    case ConsoleKind::None:
        break;
    case ConsoleKind::Stdio:
        SEGUE_TRY(open_stdio(b, inventory));
        break;
    case ConsoleKind::File:
        SEGUE_TRY(open_file(b, inventory));
        break;
    case ConsoleKind::Pty:
        SEGUE_TRY(open_pty(b, inventory));
        break;
    }
    return b;
}

Result<ConsoleBackend> adopt_console(const ConsoleConfig& config,
                                     const inventory::Inventory& inventory) {
    ConsoleBackend b;
    b.config = config;
    if (config.kind == ConsoleKind::Pty) {
        SEGUE_ASSIGN(b.in, need(inventory, kPty));
        b.out = b.in;
        SEGUE_ASSIGN(const int slave, sys::ioctl(b.in, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC,
                                                 "open the slave of console.pty"));
        b.slave = UniqueFd(slave);
    }
    if (config.kind == ConsoleKind::Stdio) {
        SEGUE_ASSIGN(b.in, need(inventory, kIn));
    }
    if (config.kind == ConsoleKind::Stdio || config.kind == ConsoleKind::File) {
        SEGUE_ASSIGN(b.out, need(inventory, kOut));
    }
    return b;
}

} // namespace segue::vmm
