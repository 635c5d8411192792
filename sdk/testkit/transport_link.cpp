// SPDX-License-Identifier: Apache-2.0
// transport_link.cpp - channels of the transport under test made, and bytes carried over them.
#include <poll.h>

#include <algorithm>
#include <chrono>

#include "sdk/testkit/transport_end.hpp"

namespace segue::testkit {

namespace {

constexpr std::size_t kChunk = 64u << 10;

// Given up well before the case's own deadline, which can say less about it.
class Patience {
public:
    explicit Patience(const Subject& s)
        : limit_(s.request().deadline / 4) {}
    void moved() { since_ = Clock::now(); }
    bool over() const { return Clock::now() - since_ > limit_; }

private:
    using Clock = std::chrono::steady_clock;
    std::chrono::milliseconds limit_;
    Clock::time_point since_ = Clock::now();
};

Error lost(std::size_t came, std::size_t sent) {
    return broke("of " + std::to_string(sent) + " bytes that it took, " + std::to_string(came) +
                     " came, and then nothing more",
                 "the bytes that write() took arrive, all and in order");
}

std::span<const std::byte> chunk(std::span<const std::byte> bytes, std::size_t from) {
    return bytes.subspan(from, std::min(kChunk, bytes.size() - from));
}

Error unexpected(const char* function, const Answer& a) {
    return broke(std::string(function) + "() answered " + a.text() + " on an open channel",
                 "read() and write() answer OK, or AGAIN where they cannot go on; CLOSED is the "
                 "end");
}

// One call of connect(). `half`, empty at first, is a channel that is being made.
Result<std::optional<End>> connect_on(const Transport& t, std::optional<End>& half) {
    void* channel = half ? half->give_up() : nullptr;
    half.reset();
    SEGUE_ASSIGN(const Answer a, t.subject().call("connect", [&](segue_error* e) {
        return t.table().connect(t.self(), &channel, e);
    }));
    if (a.ok() && channel != nullptr)
        return std::optional<End>(End(t, channel));
    if (a.again() && channel != nullptr)
        half.emplace(t, channel);
    else if (!a.again())
        return broke("connect() answered " + a.text(),
                     "connect() gives a channel with OK, and answers AGAIN while nobody "
                     "listens yet or the connection is being made");
    return std::optional<End>();
}

} // namespace

Result<End> listen(const Transport& t) {
    void* listener = nullptr;
    SEGUE_TRY(
        t.subject().must("listen", "listen() makes the address reachable",
                         [&](segue_error* e) { return t.table().listen(t.self(), &listener, e); }));
    if (listener == nullptr)
        return broke("listen() answered OK and gave no listener", rules::tables);
    return End(t, listener);
}

Result<std::optional<End>> connect(const Transport& t) {
    std::optional<End> half;
    for (Patience patience(t.subject());;) {
        SEGUE_ASSIGN(auto made, connect_on(t, half));
        if (made || !half)
            return made;
        if (patience.over())
            return broke("connect() answers AGAIN for ever", "AGAIN: poll what ready() names");
        half->wait(POLLOUT);
    }
}

// In turns: a connection may need both sides before either has it.
Result<Link> link(const Transport& outgoing, const Transport& incoming, const End& listener) {
    std::optional<End> out, half, in;
    for (Patience patience(outgoing.subject()); !patience.over();) {
        if (!out) {
            SEGUE_ASSIGN(auto made, connect_on(outgoing, half));
            if (made)
                out.emplace(std::move(*made));
        }
        if (!in) {
            SEGUE_ASSIGN(auto came, listener.accept(incoming));
            if (came)
                in.emplace(std::move(*came));
        }
        if (out && in)
            return Link{std::move(*out), std::move(*in)};
        listener.wait(POLLIN);
    }
    return broke(out ? "connect() succeeded, and accept() never gave the other end"
                     : "connect() never reaches the listener",
                 "the incoming side listens, the outgoing side connects");
}

Bytes pattern(std::size_t bytes, std::uint32_t seed) {
    Bytes out(bytes);
    std::uint32_t x = seed * 2654435761u + 1;
    for (std::byte& b : out) { // Marsaglia's xorshift
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        b = static_cast<std::byte>(x);
    }
    return out;
}

Status same(std::span<const std::byte> sent, std::span<const std::byte> came) {
    const auto n = std::min(sent.size(), came.size());
    const auto at =
        std::mismatch(sent.begin(), sent.begin() + static_cast<std::ptrdiff_t>(n), came.begin());
    const auto first = static_cast<std::size_t>(at.first - sent.begin());
    if (first == n && sent.size() == came.size())
        return {};
    return broke(std::to_string(sent.size()) + " bytes were sent and " +
                     std::to_string(came.size()) + " came; from byte " + std::to_string(first) +
                     " on they differ",
                 "the bytes that write() took arrive, all and in order");
}

Status write_all(const End& out, std::span<const std::byte> bytes, std::span<const int> fds) {
    Patience patience(out.subject());
    for (std::size_t at = 0; at < bytes.size();) {
        SEGUE_ASSIGN(const Moved m,
                     out.write(chunk(bytes, at), at == 0 ? fds : std::span<const int>()));
        if (!m.answer.ok() && !m.answer.again())
            return unexpected("write", m.answer);
        at += m.bytes;
        if (m.bytes != 0)
            patience.moved();
        else if (patience.over())
            return broke("write() answers AGAIN for ever", "AGAIN: poll what ready() names");
        else
            out.wait(POLLOUT);
    }
    return {};
}

Result<Bytes> read_all(const End& in, std::size_t bytes, std::vector<UniqueFd>* fds) {
    Bytes all(bytes);
    std::size_t at = 0;
    for (Patience patience(in.subject()); at < bytes;) {
        SEGUE_ASSIGN(const Moved m, in.read(std::span(all).subspan(at), fds));
        if (!m.answer.ok() && !m.answer.again())
            return unexpected("read", m.answer);
        at += m.bytes;
        if (m.bytes != 0)
            patience.moved();
        else if (patience.over())
            return lost(at, bytes);
        else
            in.wait(POLLIN);
    }
    return all;
}

Result<Bytes> read_to_the_end(const End& in) {
    Bytes all;
    for (Patience patience(in.subject()); !patience.over();) {
        const std::size_t had = all.size();
        all.resize(had + kChunk);
        SEGUE_ASSIGN(const Moved m, in.read(std::span(all).subspan(had)));
        all.resize(had + m.bytes);
        if (m.answer.status == SEGUE_CLOSED)
            return all;
        if (!m.answer.ok() && !m.answer.again())
            return unexpected("read", m.answer);
        if (m.bytes != 0)
            patience.moved();
        else
            in.wait(POLLIN);
    }
    return broke("the other side has ended, and read() still answers AGAIN after " +
                     std::to_string(all.size()) + " bytes",
                 "read() answers CLOSED at the end");
}

Status carry(const End& out, const End& in, std::span<const std::byte> bytes) {
    Bytes came(bytes.size());
    std::size_t sent = 0, got = 0;
    for (Patience patience(out.subject()); got < bytes.size();) {
        if (sent < bytes.size()) {
            SEGUE_ASSIGN(const Moved m, out.write(chunk(bytes, sent)));
            if (!m.answer.ok() && !m.answer.again())
                return unexpected("write", m.answer);
            sent += m.bytes;
        }
        SEGUE_ASSIGN(const Moved m, in.read(std::span(came).subspan(got)));
        if (!m.answer.ok() && !m.answer.again())
            return unexpected("read", m.answer);
        got += m.bytes;
        if (m.bytes != 0)
            patience.moved();
        else if (patience.over())
            return lost(got, sent);
        else
            in.wait(POLLIN);
    }
    return same(bytes, came);
}

} // namespace segue::testkit
