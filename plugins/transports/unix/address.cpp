// SPDX-License-Identifier: Apache-2.0
#include "address.hpp"

#include <sys/file.h>

#include <optional>

#include <segue/cpp/socket.hpp>

namespace segue::unix_transport {

namespace {

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos)
        return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

// Held while a socket file is looked at, removed or made. flock(2) on the folder leaves no file.
Result<UniqueFd> lock_folder(const std::string& path) {
    SEGUE_ASSIGN(UniqueFd folder, sys::open(folder_of(path), O_RDONLY | O_DIRECTORY));
    if (sys::retry([&] { return ::flock(folder.get(), LOCK_EX | LOCK_NB); }) == 0)
        return folder;
    if (errno != EWOULDBLOCK)
        return Error::from_errno(errno, "lock " + folder_of(path));
    return Error(Code::Exists, "listen at " + path + ": another process holds the lock of " +
                                   folder_of(path) + " at this moment")
        .way_out("try again");
}

Result<std::optional<struct stat>> look(const std::string& path) {
    struct stat s = {};
    if (::lstat(path.c_str(), &s) == 0)
        return std::optional(s);
    if (errno == ENOENT)
        return std::optional<struct stat>();
    return Error::from_errno(errno, "look at " + path);
}

// OK where nothing is there, or a socket that nobody listens on.
Status check_free(const std::string& path, const sys::UnixAddress& address) {
    SEGUE_ASSIGN(const auto there, look(path));
    if (!there)
        return {};
    if (!S_ISSOCK(there->st_mode))
        return Error(Code::Exists, "listen at " + path + ": a file that is no socket lies there")
            .way_out("remove it, or set another 'path'");
    SEGUE_ASSIGN(const UniqueFd probe, sys::unix_socket());
    if (sys::retry([&] { return ::connect(probe.get(), address.get(), address.size); }) != 0 &&
        errno == ECONNREFUSED)
        return {};
    return Error(Code::Exists, "listen at " + path + ": a process listens there already")
        .way_out("end it, or set another 'path'");
}

} // namespace

Status check(const std::string& path, bool abstract) {
    SEGUE_TRY(sys::unix_address(path, abstract));
    if (abstract)
        return {};
    const std::string folder = folder_of(path);
    if (::access(folder.c_str(), W_OK | X_OK) != 0)
        return Error::from_errno(errno, "make a socket in " + folder);
    return {};
}

Result<Address> Address::take(const std::string& path, int backlog) {
    SEGUE_ASSIGN(const sys::UnixAddress address, sys::unix_address(path));
    SEGUE_ASSIGN(const UniqueFd lock, lock_folder(path));
    SEGUE_TRY(check_free(path, address));
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return Error::from_errno(errno, "remove the stale socket " + path);
    SEGUE_ASSIGN(UniqueFd fd, sys::unix_socket());
    // bind(2) gives the file the mode that the socket has, less the umask.
    if (::fchmod(fd.get(), 0600) != 0)
        return Error::from_errno(errno, "fchmod of a socket");
    if (::bind(fd.get(), address.get(), address.size) != 0)
        return Error::from_errno(errno, "bind " + path);
    SEGUE_ASSIGN(const auto made, look(path));
    if (!made)
        return Error(Code::Io, "bind " + path + ": the file is gone again");
    Address taken(std::move(fd), path, made->st_dev, made->st_ino);
    if (::listen(taken.fd(), backlog) != 0)
        return Error::from_errno(errno, "listen at " + path);
    return taken;
}

Result<Address> Address::take_abstract(const std::string& name, int backlog) {
    SEGUE_ASSIGN(const sys::UnixAddress address, sys::unix_address(name, true));
    SEGUE_ASSIGN(UniqueFd fd, sys::unix_socket());
    if (::bind(fd.get(), address.get(), address.size) != 0) {
        if (errno != EADDRINUSE)
            return Error::from_errno(errno, "bind the abstract name " + name);
        return Error(Code::Exists,
                     "listen at the abstract name " + name + ": a process listens there already")
            .way_out("end it, or set another 'path'");
    }
    if (::listen(fd.get(), backlog) != 0)
        return Error::from_errno(errno, "listen at the abstract name " + name);
    return Address(std::move(fd), "", 0, 0);
}

Address::~Address() {
    if (!fd_)
        return;
    struct stat s = {};
    if (::lstat(path_.c_str(), &s) == 0 && s.st_dev == device_ && s.st_ino == inode_)
        ::unlink(path_.c_str());
}

} // namespace segue::unix_transport
