// SPDX-License-Identifier: Apache-2.0
#include "plugins/memory/common/ram_file.hpp"

#include <linux/magic.h>
#include <sys/statfs.h>

#include <bit>

#include <segue/cpp/sys.hpp>

namespace segue::ram_file {

namespace {

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos)
        return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

// The whole file, in bytes.
Result<std::uint64_t> length(int fd, std::uint64_t bytes) {
    SEGUE_ASSIGN(const std::uint32_t shift, page_shift(fd));
    const std::uint64_t page = 1ull << shift;
    if (bytes == 0 || bytes % page != 0)
        return Error(Code::Invalid, std::to_string(bytes) + " bytes are not whole pages of " +
                                        std::to_string(page))
            .way_out("choose a size that is a multiple of the page size");
    return bytes + page;
}

} // namespace

Result<std::uint32_t> page_shift(int fd) {
    struct statfs s = {};
    if (::fstatfs(fd, &s) != 0)
        return Error::from_errno(errno, "fstatfs");
    if (s.f_type != HUGETLBFS_MAGIC)
        return 12u;
    return static_cast<std::uint32_t>(std::countr_zero(static_cast<std::uint64_t>(s.f_bsize)));
}

Status RamFile::check(std::uint64_t bytes) const {
    const std::string folder = folder_of(path_);
    if (::access(folder.c_str(), W_OK | X_OK) != 0)
        return Error::from_errno(errno, "make a file in " + folder);
    struct statfs s = {};
    if (::statfs(folder.c_str(), &s) != 0)
        return Error::from_errno(errno, "statfs " + folder);
    const auto room =
        static_cast<std::uint64_t>(s.f_bavail) * static_cast<std::uint64_t>(s.f_bsize);
    if (bytes > room)
        return Error(Code::Refused, folder + " has room for " + std::to_string(room) +
                                        " bytes, not for " + std::to_string(bytes))
            .way_out("make room there, or set another 'path'");
    return {};
}

Result<UniqueFd> RamFile::make(std::uint64_t bytes) const {
    auto fd = sys::open(path_, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
    if (!fd && fd.code() == Code::Exists)
        return std::move(fd).error().way_out(
            "a guest that runs may use it: remove the file if none does, or set another 'path'");
    if (!fd)
        return fd;
    Status sized;
    if (auto size = length(fd->get(), bytes); size)
        sized = sys::truncate(fd->get(), *size);
    else
        sized = std::move(size).error();
    if (sized)
        return fd;
    remove();
    return std::move(sized).error().while_doing("make " + path_);
}

Result<UniqueFd> RamFile::open(std::uint64_t bytes) const {
    SEGUE_ASSIGN(UniqueFd fd, sys::open(path_, O_RDWR | O_NOFOLLOW | O_NONBLOCK));
    SEGUE_TRY(verify(fd.get(), 0, bytes));
    return fd;
}

Status RamFile::verify(int fd, std::uint64_t offset, std::uint64_t bytes) const {
    SEGUE_ASSIGN(const struct stat s, sys::stat(fd));
    if (!S_ISREG(s.st_mode))
        return Error(Code::Refused, "adopt " + path_ + ": it is not a regular file");
    SEGUE_ASSIGN(const std::uint64_t size, length(fd, bytes));
    if (offset != 0 || static_cast<std::uint64_t>(s.st_size) != size)
        return Error(Code::Refused, "adopt " + path_ + ": it has " + std::to_string(s.st_size) +
                                        " bytes, and should have " + std::to_string(size))
            .way_out("it belongs to a guest of another size: set another 'path'");
    struct stat there = {};
    if (::stat(path_.c_str(), &there) == 0 &&
        (there.st_dev != s.st_dev || there.st_ino != s.st_ino))
        return Error(Code::Refused, "adopt " + path_ + ": another file lies at that path by now");
    return {};
}

void RamFile::remove() const {
    ::unlink(path_.c_str());
}

} // namespace segue::ram_file
