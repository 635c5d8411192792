// SPDX-License-Identifier: Apache-2.0
#include "sdk/testkit/transport_end.hpp"

#include <fcntl.h>
#include <poll.h>

#include <array>

namespace segue::testkit {

namespace {

constexpr int kPoll = 20; // ms: what a wait without a descriptor takes, too
constexpr const char* moves =
    "*done bytes were moved: at least one with OK and never more than there is room for, none "
    "otherwise";

// Three pieces of uneven size; a plugin may take the first one alone.
std::array<segue_iov, 3> pieces(const std::byte* at, std::size_t bytes) {
    auto* p = const_cast<std::byte*>(at);
    const std::size_t first = bytes / 5 + 1, second = (bytes - first) / 3;
    return {{{p, first}, {p + first, second}, {p + first + second, bytes - first - second}}};
}

// Pieces that hold nothing are left out.
std::uint32_t count(std::array<segue_iov, 3>& list) {
    std::uint32_t n = 0;
    for (const segue_iov& piece : list)
        if (piece.len != 0)
            list[n++] = piece;
    return n;
}

} // namespace

void End::release() {
    if (void* h = std::exchange(handle_, nullptr))
        s_->call_void("release", [&] { t_->release(h); });
}

int End::ready_fd() const {
    std::int32_t fd = -1;
    std::uint32_t events = 0;
    s_->call_void("ready", [&] { t_->ready(handle_, &fd, &events); });
    return fd;
}

void End::wait(short events) const {
    pollfd p = {ready_fd(), events, 0};
    ::poll(&p, 1, kPoll);
}

Result<std::optional<End>> End::accept(const Transport& of) const {
    void* channel = nullptr;
    SEGUE_ASSIGN(const Answer a, s_->call("accept", [&](segue_error* e) {
        return t_->accept(handle_, &channel, e);
    }));
    if (a.ok() && channel != nullptr)
        return std::optional<End>(End(of, channel));
    if (a.ok() || channel != nullptr)
        return broke("accept() answered " + a.text() + (channel != nullptr ? " with" : " without") +
                         " a channel",
                     "accept() gives a channel with OK, and none otherwise");
    if (a.again())
        return std::optional<End>();
    return broke("accept() answered " + a.text(), "accept() answers AGAIN until a peer is there");
}

Result<Moved> End::judge(const char* function, Result<Answer> answer, std::uint64_t done,
                         std::uint64_t room) const {
    SEGUE_ASSIGN(const Answer a, std::move(answer));
    if (a.ok() ? done == 0 || done > room : done != 0)
        return broke(std::string(function) + "() answered " + a.text() + " and says that " +
                         std::to_string(done) + " of " + std::to_string(room) + " bytes moved",
                     moves);
    return Moved{a, done};
}

Result<Moved> End::read(std::span<std::byte> to, std::vector<UniqueFd>* fds,
                        std::uint32_t cap) const {
    std::array<std::int32_t, SEGUE_TRANSPORT_MAX_FDS> raw;
    raw.fill(-1);
    auto iov = pieces(to.data(), to.size());
    const std::uint32_t n = count(iov);
    std::uint32_t n_fds = 0;
    std::uint64_t done = 0;
    auto a = s_->call("read", [&](segue_error* e) {
        return t_->read(handle_, iov.data(), n, raw.data(), cap, &n_fds, &done, e);
    });
    if (n_fds > cap)
        return broke("read() gave " + std::to_string(n_fds) + " descriptors, with room for " +
                         std::to_string(cap),
                     rules::descriptors);
    for (std::uint32_t i = 0; i < n_fds; ++i) {
        const int flags = ::fcntl(raw[i], F_GETFD);
        if (flags < 0 || (flags & FD_CLOEXEC) == 0 || fds == nullptr)
            return broke(flags < 0 ? "read() gave a descriptor that is not open"
                         : fds == nullptr
                             ? "read() gave a descriptor that nobody has sent"
                             : "read() gave a descriptor that an execve would leave open",
                         rules::descriptors);
        fds->emplace_back(raw[i]);
    }
    return judge("read", std::move(a), done, to.size());
}

Result<Moved> End::write(std::span<const std::byte> from, std::span<const int> fds) const {
    auto iov = pieces(from.data(), from.size());
    const std::uint32_t n = count(iov);
    std::uint64_t done = 0;
    auto a = s_->call("write", [&](segue_error* e) {
        return t_->write(handle_, iov.data(), n, fds.data(), static_cast<std::uint32_t>(fds.size()),
                         &done, e);
    });
    return judge("write", std::move(a), done, from.size());
}

Result<Moved> End::read_at(std::uint64_t at, std::span<std::byte> to) const {
    const segue_iov iov = {to.data(), to.size()};
    std::uint64_t done = 0;
    auto a = s_->call("read_at",
                      [&](segue_error* e) { return t_->read_at(handle_, at, &iov, 1, &done, e); });
    return judge("read_at", std::move(a), done, to.size());
}

Result<Moved> End::write_at(std::uint64_t at, std::span<const std::byte> from) const {
    const segue_iov iov = {const_cast<std::byte*>(from.data()), from.size()};
    std::uint64_t done = 0;
    auto a = s_->call("write_at",
                      [&](segue_error* e) { return t_->write_at(handle_, at, &iov, 1, &done, e); });
    return judge("write_at", std::move(a), done, from.size());
}

Status End::finish(std::uint32_t how) const {
    for (;;) {
        SEGUE_ASSIGN(const Answer a, s_->call("finish", [&](segue_error* e) {
            return t_->finish(handle_, how, e);
        }));
        if (a.ok())
            return {};
        if (!a.again())
            return broke("finish() answered " + a.text(),
                         "finish() answers OK, or AGAIN while it is being done, where nothing went "
                         "wrong");
        wait(POLLIN | POLLOUT);
    }
}

} // namespace segue::testkit
