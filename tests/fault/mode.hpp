// SPDX-License-Identifier: Apache-2.0
// mode.hpp - what the outcome of a failure depends on by the update's mode, as data.
#pragma once

#include <ostream>
#include <string>

namespace segue::fault {

struct Mode {
    const char* id;
    const char* name;      // in a test's name
    bool same_process;     // the successor is this process after execve: there is no other side
    bool copies = false;   // guest RAM, to a VMM beside this one, with KVM's log of writes
    bool converts = false; // private RAM into shared memory
    bool after = false;    // it copies, and the guest runs before all is copied
};
inline constexpr Mode kTransfer{"cpr-transfer", "Transfer", false};
inline constexpr Mode kExec{"cpr-exec", "Exec", true};
inline constexpr Mode kReboot{"cpr-reboot", "Reboot", false};
inline constexpr Mode kPrecopy{"precopy", "Precopy", false, true};
inline constexpr Mode kPageFlip{"page-flip", "PageFlip", false, false, true};
inline constexpr Mode kPostcopy{"postcopy", "Postcopy", false, true, false, true};
inline constexpr const Mode* kModes[] = {&kTransfer, &kExec,     &kReboot,
                                         &kPrecopy,  &kPostcopy, &kPageFlip};

// "Exec_new_prepare", of whatever stands in a row; GoogleTest takes no other signs.
inline std::string test_name(const Mode& mode, std::string where) {
    for (char& c : where)
        if (c == ' ')
            c = '_';
    return std::string(mode.name) + "_" + where;
}

inline void PrintTo(const Mode* mode, std::ostream* out) {
    *out << mode->id;
}

} // namespace segue::fault
