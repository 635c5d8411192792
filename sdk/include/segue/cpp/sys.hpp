// SPDX-License-Identifier: Apache-2.0
// sys.hpp - system calls that return Result, restart on EINTR, and set CLOEXEC.
#pragma once

#include <fcntl.h>
#include <linux/memfd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <span>
#include <string>

#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#ifndef MADV_POPULATE_READ // Linux 5.14
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace segue::sys {

// Calls `f` until it does not fail by EINTR.
template <class F>
auto retry(F f) {
    decltype(f()) r;
    do {
        r = f();
    } while (r == -1 && errno == EINTR);
    return r;
}

inline Result<UniqueFd> open(const std::string& path, int flags, mode_t mode = 0600) {
    const int fd = retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
    if (fd < 0)
        return Error::from_errno(errno, "open " + path);
    return UniqueFd(fd);
}

inline Result<UniqueFd> dup(int fd) {
    const int d = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (d < 0)
        return Error::from_errno(errno, "dup");
    return UniqueFd(d);
}

inline Result<struct stat> stat(int fd) {
    struct stat s = {};
    if (::fstat(fd, &s) != 0)
        return Error::from_errno(errno, "fstat");
    return s;
}

inline Status truncate(int fd, std::uint64_t bytes) {
    if (retry([&] { return ::ftruncate(fd, static_cast<off_t>(bytes)); }) != 0)
        return Error::from_errno(errno, "ftruncate");
    return {};
}

// `flags`: MFD_*; CLOEXEC is set.
inline Result<UniqueFd> memfd(const std::string& name, unsigned flags) {
    const int fd = ::memfd_create(name.c_str(), flags | MFD_CLOEXEC);
    if (fd < 0)
        return Error::from_errno(errno, "memfd_create " + name);
    return UniqueFd(fd);
}

// `seals`: F_SEAL_*.
inline Status seal(int fd, int seals) {
    if (::fcntl(fd, F_ADD_SEALS, seals) != 0)
        return Error::from_errno(errno, "F_ADD_SEALS");
    return {};
}

inline Result<int> seals(int fd) {
    const int s = ::fcntl(fd, F_GET_SEALS);
    if (s < 0)
        return Error::from_errno(errno, "F_GET_SEALS");
    return s;
}

// Reads exactly `out.size()` bytes; CLOSED where the file ends before.
inline Status pread_all(int fd, std::span<std::byte> out, std::uint64_t at) {
    while (!out.empty()) {
        const auto n =
            retry([&] { return ::pread(fd, out.data(), out.size(), static_cast<off_t>(at)); });
        if (n < 0)
            return Error::from_errno(errno, "pread");
        if (n == 0)
            return Error(Code::Closed, "pread: the file ends too early");
        out = out.subspan(static_cast<std::size_t>(n));
        at += static_cast<std::uint64_t>(n);
    }
    return {};
}

inline Status pwrite_all(int fd, std::span<const std::byte> in, std::uint64_t at) {
    while (!in.empty()) {
        const auto n =
            retry([&] { return ::pwrite(fd, in.data(), in.size(), static_cast<off_t>(at)); });
        if (n < 0)
            return Error::from_errno(errno, "pwrite");
        in = in.subspan(static_cast<std::size_t>(n));
        at += static_cast<std::uint64_t>(n);
    }
    return {};
}

// write(2) until all is written; for pipes, ttys and logs.
inline Status write_all(int fd, std::span<const std::byte> in) {
    while (!in.empty()) {
        const auto n = retry([&] { return ::write(fd, in.data(), in.size()); });
        if (n < 0)
            return Error::from_errno(errno, "write");
        in = in.subspan(static_cast<std::size_t>(n));
    }
    return {};
}

inline Result<UniqueFd> event(unsigned initial = 0) {
    const int fd = ::eventfd(initial, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return Error::from_errno(errno, "eventfd");
    return UniqueFd(fd);
}

inline void signal_event(int fd) {
    const std::uint64_t one = 1;
    (void)!::write(fd, &one, sizeof one);
}

inline void clear_event(int fd) {
    std::uint64_t n = 0;
    (void)!::read(fd, &n, sizeof n);
}

// A descriptor that becomes readable when process `pid` ends.
inline Result<UniqueFd> pidfd(pid_t pid) {
    const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (fd < 0)
        return Error::from_errno(errno, "pidfd_open " + std::to_string(pid));
    return UniqueFd(fd);
}

inline Status pidfd_signal(int pidfd, int signal) {
    if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0)
        return Error::from_errno(errno, "pidfd_send_signal");
    return {};
}

// ioctl(2) with one argument; gives the non-negative answer. `what` names the request.
template <class Arg>
Result<int> ioctl(int fd, unsigned long request, Arg arg, const char* what) {
    const int r = retry([&] { return ::ioctl(fd, request, arg); });
    if (r < 0)
        return Error::from_errno(errno, what);
    return r;
}

// ioctl(2) once, EINTR and all: the answer, or -errno. Allocates nothing; for KVM_RUN and the
// pause.
template <class Arg>
int ioctl_once(int fd, unsigned long request, Arg arg) noexcept {
    const int r = ::ioctl(fd, request, arg);
    return r < 0 ? -errno : r;
}

// `advice`: MADV_*.
inline Status madvise(void* base, std::size_t bytes, int advice) {
    if (::madvise(base, bytes, advice) != 0)
        return Error::from_errno(errno, "madvise");
    return {};
}

// [start, end) of a file.
struct Extent {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
};

// The first data of a sparse file in [from, to); empty where there is only a hole.
inline Extent next_data(int fd, std::uint64_t from, std::uint64_t to) {
    const off_t data = ::lseek(fd, static_cast<off_t>(from), SEEK_DATA);
    if (data < 0 || static_cast<std::uint64_t>(data) >= to)
        return {to, to};
    const off_t hole = ::lseek(fd, data, SEEK_HOLE);
    const auto end = hole < 0 ? to : static_cast<std::uint64_t>(hole);
    return {static_cast<std::uint64_t>(data), end < to ? end : to};
}

} // namespace segue::sys
