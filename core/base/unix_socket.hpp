// SPDX-License-Identifier: Apache-2.0
// unix_socket.hpp - stream sockets with a path.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/base/deadline.hpp"

namespace segue {

// Listens at `path`, which gets `mode`; whatever stood there is replaced, so the caller must hold
// the folder's lock. The descriptor is non-blocking. [any]
Result<UniqueFd> listen_unix(const std::string& path, mode_t mode);

// Removes a socket at `path` at which nobody listens any more. [any]
void remove_stale(const std::string& path);

// Connects, waiting for a place in the backlog until the deadline. NOT_FOUND: no such path;
// CLOSED: nobody listens there. The descriptor is blocking. [any]
Result<UniqueFd> connect_unix(const std::string& path, Deadline deadline);

struct PeerIdentity {
    pid_t pid = 0;
    uid_t uid = 0;
    std::vector<gid_t> groups; // the effective one first
};
// Who connected, as the kernel says (SO_PEERCRED, SO_PEERGROUPS). [any]
Result<PeerIdentity> peer_of(int socket);

} // namespace segue
