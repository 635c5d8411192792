// SPDX-License-Identifier: Apache-2.0
#include "whole_file.hpp"

#include <sys/file.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>

#include <segue/cpp/sys.hpp>

namespace segue::file_transport {

namespace {

constexpr std::uint64_t kPage = 4096;
// So much gathers in the page cache before the disk is told to begin: seal() then waits for little.
constexpr std::uint64_t kFlush = 8u << 20;

bool is_zero(std::span<const std::byte> page) {
    return page[0] == std::byte{0} &&
           std::memcmp(page.data(), page.data() + 1, page.size() - 1) == 0;
}

// The bytes at the front of `bytes`, which go to `at`, that are whole zero pages, or that are not.
std::span<const std::byte> run(std::uint64_t at, std::span<const std::byte> bytes, bool* zero) {
    const auto piece = [&](std::uint64_t from) {
        const std::uint64_t to_border = kPage - (at + from) % kPage;
        return bytes.subspan(from, std::min<std::uint64_t>(to_border, bytes.size() - from));
    };
    const auto hole = [](auto p) { return p.size() == kPage && is_zero(p); };
    *zero = hole(piece(0));
    std::uint64_t n = 0;
    while (n < bytes.size() && hole(piece(n)) == *zero)
        n += piece(n).size();
    return bytes.first(n);
}

// Held by whoever writes, so that the next one can tell a leftover from a file in the making.
bool lock(int fd) {
    return sys::retry([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }) == 0;
}

// What a process that was killed left behind.
Status remove_leftover(const Place& place) {
    const std::string name = place.partial();
    const UniqueFd fd(
        ::openat(place.folder(), name.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd && errno == ENOENT)
        return {};
    if (fd && !lock(fd.get()))
        return Error(Code::Exists, place.path() + " is being written by another process")
            .way_out("wait for it, or set another 'path'");
    if (::unlinkat(place.folder(), name.c_str(), 0) != 0 && errno != ENOENT)
        return Error::from_errno(errno, "remove the leftover " + name + " beside " + place.path());
    return {};
}

Result<UniqueFd> nameless(const Place& place) {
    UniqueFd fd(::openat(place.folder(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!fd)
        return Error::from_errno(errno, "make " + place.path());
    return fd;
}

Result<UniqueFd> named(const Place& place) {
    const std::string name = place.partial();
    UniqueFd fd(::openat(place.folder(), name.c_str(),
                         O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd)
        return Error::from_errno(errno, "make " + place.path());
    return fd;
}

// How a file system says that it has no nameless files: open(2), O_TMPFILE.
bool lacks_nameless(const Error& e) {
    return e.sys_errno() == EOPNOTSUPP || e.sys_errno() == EISDIR || e.sys_errno() == ENOENT;
}

} // namespace

Result<std::unique_ptr<WholeFile>> WholeFile::make(const std::string& path, std::uint64_t reserve,
                                                   Until sealed) {
    SEGUE_ASSIGN(Place place, Place::find(path));
    SEGUE_TRY(place.check_free());
    SEGUE_TRY(remove_leftover(place));
    bool has_name = sealed == Until::Named;
    auto fd = has_name ? named(place) : nameless(place);
    if (!fd && !has_name && lacks_nameless(fd.error())) {
        has_name = true;
        fd = named(place);
    }
    if (!fd)
        return std::move(fd).error();
    std::unique_ptr<WholeFile> file(new WholeFile(std::move(place), std::move(*fd), has_name));
    if (!lock(file->fd()))
        return Error(Code::Exists, path + " is being written by another process");
    SEGUE_TRY(file->reserve(reserve));
    return file;
}

// The size of the file is not the reader's yet: seal() sets it.
Status WholeFile::reserve(std::uint64_t bytes) {
    SEGUE_TRY(check_limit(bytes));
    if (bytes == 0 || ::fallocate(fd(), 0, 0, static_cast<off_t>(bytes)) == 0)
        reserved_ = bytes;
    else if (errno != EOPNOTSUPP)
        return failed(errno, "reserve room for");
    return {};
}

// Beyond it the kernel would send SIGXFSZ, which ends the process and the guest with it.
Status WholeFile::check_limit(std::uint64_t end) const {
    struct rlimit limit = {};
    if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && end > limit.rlim_cur)
        return failed(EFBIG, "write");
    return {};
}

WholeFile::~WholeFile() {
    if (state_ != State::Sealed)
        undo();
}

Error WholeFile::failed(int number, const char* act) const {
    Error e = Error::from_errno(number, std::string(act) + " " + place_.path());
    if (number != ENOSPC && number != EDQUOT && number != EFBIG)
        return e;
    const auto room = place_.room();
    return std::move(e)
        .way_out("make room" + (room ? ": " + std::to_string(*room) + " bytes are free" : "") +
                 ", raise the limit, or set another 'path'; nothing was changed")
        .with("path", place_.path());
}

Error WholeFile::not_open() const {
    constexpr const char* why[] = {"open", "not whole: a write failed", "sealed", "taken away"};
    return {Code::Phase, place_.path() + " is " + why[static_cast<int>(state_)]};
}

Status WholeFile::store(std::uint64_t at, std::span<const std::byte> bytes) {
    if (state_ != State::Open)
        return not_open();
    SEGUE_TRY(check_limit(at + bytes.size()));
    while (!bytes.empty()) {
        bool zero = false;
        const auto here = run(at, bytes, &zero);
        if (Status s = zero ? hole(at, here) : put(at, here); !s) {
            state_ = State::Broken;
            return s;
        }
        at += here.size();
        bytes = bytes.subspan(here.size());
        length_ = std::max(length_, at);
    }
    return {};
}

Status WholeFile::put(std::uint64_t at, std::span<const std::byte> data) {
    if (Status s = sys::pwrite_all(fd(), data, at); !s)
        return failed(s.error().sys_errno(), "write");
    written_ = std::max(written_, at + data.size());
    if (written_ - flushing_ >= kFlush) { // a hint: the answer comes with seal()
        (void)!::sync_file_range(fd(), static_cast<off_t>(flushing_),
                                 static_cast<off_t>(written_ - flushing_), SYNC_FILE_RANGE_WRITE);
        flushing_ = written_;
    }
    return {};
}

Status WholeFile::hole(std::uint64_t at, std::span<const std::byte> zeros) {
    if (at >= written_)
        return {};
    if (::fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at),
                    static_cast<off_t>(zeros.size())) == 0)
        return {};
    return put(at, zeros);
}

// Sets the size. No blocks that were reserved and not used stay behind holes.
Status WholeFile::give_back() {
    for (std::uint64_t at = 0; at < reserved_;) {
        const sys::Extent data = sys::next_data(fd(), at, reserved_);
        if (data.start > at)
            (void)!::fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                               static_cast<off_t>(at), static_cast<off_t>(data.start - at));
        at = data.end;
    }
    if (Status s = sys::truncate(fd(), length_); !s)
        return failed(s.error().sys_errno(), "write");
    return {};
}

Status WholeFile::seal() {
    if (state_ == State::Sealed)
        return {};
    if (state_ != State::Open)
        return not_open();
    SEGUE_TRY(give_back());
    if (::fdatasync(fd()) != 0)
        return failed(errno, "write");
    if (Status s = publish(); !s) {
        undo();
        return s;
    }
    (void)::flock(fd(), LOCK_UN);
    return {};
}

Status WholeFile::publish() {
    const std::string partial = place_.partial();
    const std::string self = "/proc/self/fd/" + std::to_string(fd());
    if (!named_ &&
        ::linkat(AT_FDCWD, self.c_str(), place_.folder(), partial.c_str(), AT_SYMLINK_FOLLOW) != 0)
        return failed(errno, "name");
    named_ = true;
    if (::renameat(place_.folder(), partial.c_str(), place_.folder(), place_.name()) != 0)
        return failed(errno, "name");
    named_ = false;
    state_ = State::Sealed;
    return place_.sync();
}

void WholeFile::undo() {
    if (named_)
        ::unlinkat(place_.folder(), place_.partial().c_str(), 0);
    named_ = false;
    if (std::exchange(state_, State::Gone) == State::Sealed)
        place_.remove(fd());
}

} // namespace segue::file_transport
