// SPDX-License-Identifier: Apache-2.0
#include "place.hpp"

#include <sys/statvfs.h>

#include <segue/cpp/sys.hpp>

#include "plugins/transports/common/trusted.hpp"

namespace segue::file_transport {

namespace {

// O_NOFOLLOW says ELOOP for a symbolic link, O_RDWR EISDIR for a folder.
Error not_regular(const std::string& path) {
    return Error(Code::Refused, path + " is not a regular file")
        .way_out("remove it, or set another 'path'");
}

Status check_regular(int fd, const std::string& path) {
    SEGUE_ASSIGN(const struct stat s, sys::stat(fd));
    if (!S_ISREG(s.st_mode))
        return not_regular(path);
    return check_trusted(s, path);
}

} // namespace

Result<Place> Place::find(const std::string& path) {
    const auto slash = path.rfind('/'); // an absolute one: the host sees to that
    std::string name = path.substr(slash + 1);
    if (slash == std::string::npos || name.empty() || name == "." || name == "..")
        return Error(Code::Invalid, "'" + path + "' is not the absolute path of a file")
            .way_out("add the file's name to 'path'");
    const std::string folder = slash == 0 ? "/" : path.substr(0, slash);
    SEGUE_ASSIGN(UniqueFd fd, sys::open(folder, O_RDONLY | O_DIRECTORY));
    SEGUE_ASSIGN(const struct stat s, sys::stat(fd.get()));
    SEGUE_TRY(check_trusted(s, folder));
    return Place(std::move(fd), folder, std::move(name), path);
}

Status Place::check_free() const {
    if (::faccessat(folder(), ".", W_OK | X_OK, AT_EACCESS) != 0)
        return Error::from_errno(errno, "make a file in " + folder_path_);
    const auto there = open();
    if (!there)
        return there.code() == Code::NotFound ? Status() : there.error();
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    if (::fcntl(there->get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
        return Error(Code::Exists, path_ + " is in use: a guest is started from it right now")
            .way_out("wait for that start to end, or set another 'path'");
    return {};
}

Result<std::uint64_t> Place::room() const {
    struct statvfs s = {};
    if (::fstatvfs(folder(), &s) != 0)
        return Error::from_errno(errno, "statvfs " + folder_path_);
    return static_cast<std::uint64_t>(s.f_bavail) * s.f_frsize;
}

Result<UniqueFd> Place::open() const {
    // O_NONBLOCK: a fifo must not hold us up before it is refused.
    constexpr int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    UniqueFd fd(sys::retry([&] { return ::openat(folder(), name(), flags); }));
    if (!fd && (errno == ELOOP || errno == EISDIR || errno == ENXIO))
        return not_regular(path_);
    if (!fd)
        return Error::from_errno(errno, "open " + path_);
    SEGUE_TRY(check_regular(fd.get(), path_));
    return fd;
}

void Place::remove(int fd) const {
    struct stat ours = {}, there = {};
    if (::fstat(fd, &ours) != 0 || ::fstatat(folder(), name(), &there, AT_SYMLINK_NOFOLLOW) != 0 ||
        ours.st_dev != there.st_dev || ours.st_ino != there.st_ino)
        return;
    ::unlinkat(folder(), name(), 0);
    (void)sync().ok();
}

Status Place::sync() const {
    if (::fsync(folder()) != 0)
        return Error::from_errno(errno, "fsync " + folder_path_);
    return {};
}

} // namespace segue::file_transport
