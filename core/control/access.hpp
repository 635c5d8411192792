// SPDX-License-Identifier: Apache-2.0
// access.hpp - who is served at the control socket.
#pragma once

#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/base/unix_socket.hpp"

namespace segue::control {

// The socket's mode keeps most people out, this the others: a mode may be changed by hand.
struct Access {
    std::vector<uid_t> owners = {0, ::geteuid()};
    std::optional<gid_t> group; // control.socket.group
};

// What control.socket.group names; nothing for "". NOT_FOUND. [main]
Result<std::optional<gid_t>> group_named(const std::string& name);

enum class Standing {
    Owner,  // could do with the VMM what it likes anyway
    Member, // of the group: may operate the guest, not bring programs of its own
};

// REFUSED for anybody else. [any]
Result<Standing> standing_of(const PeerIdentity& peer, const Access& access);

} // namespace segue::control
