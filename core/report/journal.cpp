// SPDX-License-Identifier: Apache-2.0
#include "core/report/journal.hpp"

#include <cstdio>

#include <segue/cpp/sys.hpp>

#include "core/base/log.hpp"

namespace segue::report {
namespace {

Result<UniqueFd> open_file(const std::string& path) {
    return sys::open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW, 0600);
}

bool still_at(const std::string& path, const struct stat& file) {
    struct stat now = {};
    return ::stat(path.c_str(), &now) == 0 && now.st_ino == file.st_ino &&
           now.st_dev == file.st_dev;
}

// Two generations may find the file full at the same time: one of them, by the lock, makes it the
// older one, and whoever comes second sees by its inode that it was done.
void make_older(const std::string& path, const UniqueFd& full, const struct stat& file) {
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (::fcntl(full.get(), F_OFD_SETLK, &lock) != 0 || !still_at(path, file))
        return;
    if (::rename(path.c_str(), older_journal(path).c_str()) != 0)
        log::warn(Error::from_errno(errno, "rename " + path).what());
}

// Whoever wrote last may have died in the middle: the next line must not hang on to the half one.
bool is_torn(const UniqueFd& fd, off_t size) {
    std::byte last{};
    return size > 0 && sys::pread_all(fd.get(), {&last, 1}, static_cast<std::uint64_t>(size) - 1) &&
           last != std::byte{'\n'};
}

} // namespace

// The beginning, so that an update whose end nobody could write down is known at all; and that the
// guest depends on two processes.
void Journal::phase(Phase phase, const UpdateRecord& record) {
    if (phase == Phase::Preflight || (phase == Phase::Fetch && !record.id.empty()))
        append_or_log(record);
}

void Journal::append_or_log(const UpdateRecord& record) const {
    if (const auto written = append(record); !written)
        log::error("journal of update " + record.id + ": " + written.error().what());
}

Result<UniqueFd> Journal::open() const {
    SEGUE_ASSIGN(UniqueFd fd, open_file(path_));
    SEGUE_ASSIGN(const auto file, sys::stat(fd.get()));
    if (!S_ISREG(file.st_mode))
        return Error(Code::Invalid, path_ + " is no regular file")
            .way_out("move it away: the journal is made anew");
    if (static_cast<std::uint64_t>(file.st_size) < limits_.file)
        return fd;
    make_older(path_, fd, file);
    return open_file(path_);
}

Status Journal::append(const UpdateRecord& record) const {
    std::string line = encode_(record) + "\n";
    if (line.size() > limits_.line)
        return Error(Code::Invalid, "append to " + path_ + ": a line of " +
                                        std::to_string(line.size()) + " bytes, at most " +
                                        std::to_string(limits_.line) + " are taken");
    SEGUE_ASSIGN(const UniqueFd fd, open());
    SEGUE_ASSIGN(const auto file, sys::stat(fd.get()));
    if (is_torn(fd, file.st_size))
        line.insert(line.begin(), '\n');
    const auto n = sys::retry([&] { return ::write(fd.get(), line.data(), line.size()); });
    if (n < 0)
        return Error::from_errno(errno, "append to " + path_);
    if (static_cast<std::size_t>(n) != line.size())
        return Error(Code::Io, "append to " + path_ + ": only " + std::to_string(n) + " of " +
                                   std::to_string(line.size()) + " bytes were written")
            .way_out("make room on that file system");
    if (::fdatasync(fd.get()) != 0)
        return Error::from_errno(errno, "sync " + path_);
    return {};
}

} // namespace segue::report
