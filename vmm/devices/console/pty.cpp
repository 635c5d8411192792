// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/console/pty.hpp"

#include <termios.h>

#include <segue/cpp/sys.hpp>

namespace segue::vmm {

namespace {

Result<std::string> slave_path(int master) {
    unsigned number = 0;
    if (auto r = sys::ioctl(master, TIOCGPTN, &number, "number of the pty"); !r)
        return std::move(r).error();
    return "/dev/pts/" + std::to_string(number);
}

} // namespace

Result<Pty> open_pty(const std::string& item, inventory::Inventory& inventory) {
    SEGUE_ASSIGN(UniqueFd master, sys::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
    int unlocked = 0;
    if (auto r = sys::ioctl(master.get(), TIOCSPTLCK, &unlocked, "unlock the pty"); !r)
        return std::move(r).error();
    Pty pty;
    SEGUE_ASSIGN(pty.path, slave_path(master.get()));
    SEGUE_ASSIGN(pty.slave, sys::open(pty.path, O_RDWR | O_NOCTTY));
    // Raw, or the line discipline would echo the guest's output back as its input.
    termios raw = {};
    if (::tcgetattr(pty.slave.get(), &raw) != 0)
        return Error::from_errno(errno, "tcgetattr " + pty.path);
    ::cfmakeraw(&raw);
    if (::tcsetattr(pty.slave.get(), TCSANOW, &raw) != 0)
        return Error::from_errno(errno, "tcsetattr " + pty.path);
    pty.master = master.get();
    SEGUE_TRY(inventory.add({item, std::move(master)}));
    return pty;
}

Result<Pty> adopt_pty(const std::string& item, const inventory::Inventory& inventory) {
    Pty pty;
    pty.master = inventory.find(item);
    if (pty.master < 0)
        return Error(Code::NotFound, "the inventory has no \"" + item + '"').with("item", item);
    SEGUE_ASSIGN(pty.path, slave_path(pty.master));
    SEGUE_ASSIGN(const int slave, sys::ioctl(pty.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC,
                                             "open the slave of a pty"));
    pty.slave = UniqueFd(slave);
    return pty;
}

} // namespace segue::vmm
