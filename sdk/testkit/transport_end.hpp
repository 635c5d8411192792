// SPDX-License-Identifier: Apache-2.0
// transport_end.hpp - channels and listeners of the transport under test; every answer is checked
// against what transport.h says of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <segue/abi/transport.h>
#include <segue/cpp/unique_fd.hpp>

#include "sdk/testkit/subject.hpp"

namespace segue::testkit {

using Transport = Instance<segue_transport>;
using Bytes = std::vector<std::byte>;

// What read() or write() did: a status of OK, AGAIN, CLOSED or an error, and the bytes moved.
struct Moved {
    Answer answer;
    std::uint64_t bytes = 0;
};

// A listener or a channel; released at its end.
class End {
public:
    End(const Transport& of, void* handle)
        : s_(&of.subject())
        , t_(&of.table())
        , handle_(handle) {}
    End(End&& o) noexcept
        : s_(o.s_)
        , t_(o.t_)
        , handle_(std::exchange(o.handle_, nullptr)) {}
    End& operator=(End&&) = delete;
    ~End() { release(); }

    void release();
    void* give_up() { return std::exchange(handle_, nullptr); }
    // Waits until ready() says so, or a little; never long.
    void wait(short events) const;
    // What ready() names; -1: nothing.
    int ready_fd() const;

    // Listener: no channel with AGAIN.
    Result<std::optional<End>> accept(const Transport& of) const;

    // Channel.
    Result<Moved> read(std::span<std::byte> to, std::vector<UniqueFd>* fds = nullptr,
                       std::uint32_t cap = SEGUE_TRANSPORT_MAX_FDS) const;
    // In pieces of uneven size, as the host's frames are.
    Result<Moved> write(std::span<const std::byte> from, std::span<const int> fds = {}) const;
    Result<Moved> read_at(std::uint64_t at, std::span<std::byte> to) const;
    Result<Moved> write_at(std::uint64_t at, std::span<const std::byte> from) const;
    // Until it is done.
    Status finish(std::uint32_t how) const;

    Subject& subject() const { return *s_; }
    const segue_transport& table() const { return *t_; }
    void* handle() const { return handle_; }

private:
    Result<Moved> judge(const char* function, Result<Answer> answer, std::uint64_t done,
                        std::uint64_t room) const;

    Subject* s_;
    const segue_transport* t_;
    void* handle_;
};

// The channel of connect(): none with AGAIN.
Result<End> listen(const Transport& t);
Result<std::optional<End>> connect(const Transport& t);

// Two instances, and a channel between them. Of a transport that streams: both ends are open.
struct Link {
    End out, in;
};
Result<Link> link(const Transport& outgoing, const Transport& incoming, const End& listener);

// `bytes` that no two offsets share: a lost, doubled or moved one shows.
Bytes pattern(std::size_t bytes, std::uint32_t seed);
// Failed where they differ, naming the first place.
Status same(std::span<const std::byte> sent, std::span<const std::byte> came);

// Writes all of it, from the first byte on with `fds`.
Status write_all(const End& out, std::span<const std::byte> bytes, std::span<const int> fds = {});
// Reads until `bytes` are there.
Result<Bytes> read_all(const End& in, std::size_t bytes, std::vector<UniqueFd>* fds = nullptr);
// Reads until CLOSED.
Result<Bytes> read_to_the_end(const End& in);
// Both at once, so that no buffer in between must hold it all.
Status carry(const End& out, const End& in, std::span<const std::byte> bytes);

} // namespace segue::testkit
