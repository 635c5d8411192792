// SPDX-License-Identifier: Apache-2.0
#include "core/base/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>

#include <segue/cpp/sys.hpp>

namespace segue {
namespace {

constexpr int kBacklog = 128;

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return Error(Code::Invalid, "socket path '" + path + "' has " +
                                        std::to_string(path.size()) +
                                        " bytes, the kernel takes 1 to " +
                                        std::to_string(sizeof address.sun_path - 1))
            .way_out("choose a shorter --run-dir");
    std::copy(path.begin(), path.end(), address.sun_path);
    return address;
}

Result<UniqueFd> stream_socket(int flags) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
    if (!fd)
        return Error::from_errno(errno, "socket");
    return fd;
}

const sockaddr* raw(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

} // namespace

Result<UniqueFd> listen_unix(const std::string& path, mode_t mode) {
    SEGUE_ASSIGN(const auto address, address_of(path));
    SEGUE_ASSIGN(UniqueFd fd, stream_socket(SOCK_NONBLOCK));
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return Error::from_errno(errno, "remove the stale " + path);
    // bind(2) gives the path the socket's own mode, so nobody can connect before listen(2).
    if (::fchmod(fd.get(), mode) != 0)
        return Error::from_errno(errno, "mode of " + path);
    if (::bind(fd.get(), raw(address), sizeof address) != 0)
        return Error::from_errno(errno, "bind " + path);
    if (::chmod(path.c_str(), mode) != 0) // past the umask
        return Error::from_errno(errno, "mode of " + path);
    if (::listen(fd.get(), kBacklog) != 0)
        return Error::from_errno(errno, "listen at " + path);
    return fd;
}

void remove_stale(const std::string& path) {
    if (connect_unix(path, Deadline::in(std::chrono::seconds(1))).code() == Code::Closed)
        ::unlink(path.c_str());
}

Result<UniqueFd> connect_unix(const std::string& path, Deadline deadline) {
    SEGUE_ASSIGN(const auto address, address_of(path));
    SEGUE_ASSIGN(UniqueFd fd, stream_socket(0));
    if (!deadline.is_never()) {
        // connect(2) on AF_UNIX waits for a place in the backlog as long as a send may take.
        const int ms = std::max(deadline.poll_ms(), 1);
        const timeval time = {ms / 1000, static_cast<suseconds_t>(ms % 1000) * 1000};
        ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    }
    if (sys::retry([&] { return ::connect(fd.get(), raw(address), sizeof address); }) != 0) {
        const int e = errno;
        if (e == EAGAIN)
            return Error(Code::Deadline, "connect to " + path + ": its backlog stayed full");
        if (e == ECONNREFUSED)
            return Error(Code::Closed, "connect to " + path + ": nobody listens there");
        return Error::from_errno(e, "connect to " + path);
    }
    const timeval forever = {};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &forever, sizeof forever);
    return fd;
}

Result<PeerIdentity> peer_of(int socket) {
    ucred peer = {};
    socklen_t length = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
        return Error::from_errno(errno, "SO_PEERCRED");
    PeerIdentity who{peer.pid, peer.uid, {peer.gid}};
    // The kernel says how much room it wants (ERANGE), and a process's groups do not change here:
    // they are those at the time of connect(2).
    std::vector<gid_t> more(32);
    for (;;) {
        length = static_cast<socklen_t>(more.size() * sizeof(gid_t));
        if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, more.data(), &length) == 0)
            break;
        if (errno != ERANGE)
            return Error::from_errno(errno, "SO_PEERGROUPS");
        more.resize(length / sizeof(gid_t));
    }
    more.resize(length / sizeof(gid_t));
    who.groups.insert(who.groups.end(), more.begin(), more.end());
    return who;
}

} // namespace segue
