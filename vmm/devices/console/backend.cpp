// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/console/backend.hpp"

#include <segue/cpp/sys.hpp>

#include "vmm/devices/console/pty.hpp"

namespace segue::vmm {

namespace {

constexpr const char* kPty = "console.pty";
constexpr const char* kIn = "console.in";
constexpr const char* kOut = "console.out";

void take_pty(ConsoleBackend& b, Pty pty) {
    b.in = b.out = pty.master;
    b.config.path = std::move(pty.path);
    b.slave = std::move(pty.slave);
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
    case ConsoleKind::Pty: {
        SEGUE_ASSIGN(Pty pty, open_pty(kPty, inventory));
        take_pty(b, std::move(pty));
        break;
    }
    }
    return b;
}

Result<ConsoleBackend> adopt_console(const ConsoleConfig& config,
                                     const inventory::Inventory& inventory) {
    ConsoleBackend b;
    b.config = config;
    if (config.kind == ConsoleKind::Pty) {
        SEGUE_ASSIGN(Pty pty, adopt_pty(kPty, inventory));
        take_pty(b, std::move(pty));
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
