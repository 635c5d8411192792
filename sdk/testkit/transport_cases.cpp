// SPDX-License-Identifier: Apache-2.0
// transport_cases.cpp - how bytes cross. (What else a transport may claim is in
// transport_claims.cpp.)
#include <poll.h>

#include "sdk/testkit/surroundings.hpp"
#include "sdk/testkit/transport_claims.hpp"

namespace segue::testkit {

namespace {

constexpr std::size_t kSome = 200'003; // no multiple of anything
constexpr std::size_t kMany = 3u << 20;

Status table_is_whole(Subject& s) {
    const auto& t = s.table<segue_transport>();
    if (t.create == nullptr || t.destroy == nullptr || t.listen == nullptr || t.accept == nullptr ||
        t.connect == nullptr || t.ready == nullptr || t.read == nullptr || t.write == nullptr ||
        t.finish == nullptr || t.release == nullptr)
        return broke("a function that every transport has is NULL", rules::tables);
    const bool seeks = (t.caps & SEGUE_TRANSPORT_SEEKABLE) != 0;
    for (const bool there : {t.read_at != nullptr, t.write_at != nullptr, t.backing != nullptr})
        if (there != seeks)
            return broke(std::string("it is ") + (seeks ? "" : "not ") + "seekable, and read_at, " +
                             "write_at and backing are " + (there ? "there" : "not all there"),
                         "read_at, write_at and backing are NULL unless SEEKABLE");
    if ((t.caps & (SEGUE_TRANSPORT_STREAMING | SEGUE_TRANSPORT_PERSISTENT)) == 0)
        return broke("it is neither streaming nor persistent",
                     "what is written can be read while it is written, or outlives both processes");
    return {};
}

Status check_creates_nothing(Subject& s) {
    SEGUE_ASSIGN(const Transport t, Transport::make(s));
    const Surroundings before = files_in(s.dir());
    if (t.table().check != nullptr)
        SEGUE_TRY(s.must("check", rules::check,
                         [&](segue_error* e) { return t.table().check(t.self(), e); }));
    const std::string changed = difference(before, files_in(s.dir()));
    return changed.empty() ? Status() : broke("check() left something: " + changed, rules::check);
}

Status nobody_is_there(Subject& s) {
    SEGUE_TRY(needs_streaming(s));
    SEGUE_ASSIGN(const Transport t, Transport::make(s));
    SEGUE_ASSIGN(const auto early, connect(t));
    if (early)
        return broke("connect() gave a channel, and nobody listens",
                     "connect() answers AGAIN while nobody listens yet");
    SEGUE_ASSIGN(const End listener, listen(t));
    SEGUE_ASSIGN(const auto peer, listener.accept(t));
    if (peer)
        return broke("accept() gave a channel, and nobody has connected",
                     "accept() answers AGAIN until a peer is there");
    return {};
}

Status carries_every_byte(Subject& s) {
    return over_a_link(
        s, [](const Link& l) { return carry(l.out, l.in, pattern(kMany, 1)); },
        [](const Transport& out, const Transport& in) { return rest(out, in, pattern(kMany, 1)); });
}

Status says_the_end(Subject& s) {
    SEGUE_TRY(needs_streaming(s));
    return over_a_link(s, [](const Link& l) -> Status {
        const Bytes bytes = pattern(kSome / 4, 2);
        SEGUE_TRY(write_all(l.out, bytes));
        SEGUE_TRY(l.out.finish(SEGUE_FINISH_END));
        SEGUE_ASSIGN(const Bytes came, read_to_the_end(l.in));
        return same(bytes, came);
    });
}

Status idles(Subject& s) {
    SEGUE_TRY(needs_streaming(s));
    return over_a_link(s, [](const Link& l) -> Status {
        std::byte room[16];
        SEGUE_ASSIGN(const Moved none, l.in.read(room));
        if (!none.answer.again())
            return broke("read() answered " + none.answer.text() + ", and nothing was sent",
                         "where read() cannot go on it answers AGAIN");
        const int fd = l.in.ready_fd();
        SEGUE_TRY(write_all(l.out, pattern(1, 3)));
        pollfd p = {fd, POLLIN, 0};
        const auto limit = static_cast<int>(l.in.subject().request().deadline.count() / 4);
        if (fd >= 0 && ::poll(&p, 1, limit) != 1)
            return broke("a byte was sent, and what ready() names never becomes readable",
                         "ready() names what to poll for: a borrowed fd and events");
        SEGUE_ASSIGN(const Bytes came, read_all(l.in, 1));
        return same(pattern(1, 3), came);
    });
}

// What lies in between is bounded; what was taken comes, once somebody reads.
Status holds_back(Subject& s) {
    SEGUE_TRY(needs_streaming(s));
    return over_a_link(s, [](const Link& l) -> Status {
        constexpr std::size_t kTooMuch = 256u << 20;
        const Bytes block = pattern(1 << 20, 4);
        Bytes taken;
        for (;;) {
            SEGUE_ASSIGN(const Moved m, l.out.write(block));
            if (m.answer.again())
                break;
            if (!m.answer.ok())
                return broke("write() answered " + m.answer.text() + " while nobody reads",
                             "where write() cannot go on it answers AGAIN");
            taken.insert(taken.end(), block.begin(),
                         block.begin() + static_cast<std::ptrdiff_t>(m.bytes));
            if (taken.size() > kTooMuch)
                return broke("write() took 256 MiB that nobody has read",
                             "where write() cannot go on it answers AGAIN");
        }
        SEGUE_ASSIGN(const Bytes came, read_all(l.in, taken.size()));
        return same(taken, came);
    });
}

Status notices_a_lost_peer(Subject& s) {
    SEGUE_TRY(needs_streaming(s));
    SEGUE_ASSIGN(const Transport a, Transport::make(s));
    SEGUE_ASSIGN(const Transport b, Transport::make(s));
    SEGUE_ASSIGN(const End listener, listen(b));
    SEGUE_ASSIGN(Link l, link(a, b, listener));
    l.out.release();
    SEGUE_ASSIGN(const Bytes rest, read_to_the_end(l.in));
    if (!rest.empty())
        return broke("bytes came that nobody has sent", "read() answers CLOSED at the end");
    return {};
}

Status leaves_nothing(Subject& s) {
    SEGUE_TRY(needs_streaming(s));
    const Surroundings before = files_in(s.dir());
    SEGUE_TRY(transport_round(s));
    const std::string left = difference(before, files_in(s.dir()));
    if (left.empty())
        return {};
    return broke("after release() there is still: " + left, "a listener leaves no file behind");
}

constexpr Case cases[] = {
    {"table-is-whole", "Every function that its capabilities demand is there.", table_is_whole},
    {"check-creates-nothing", "check() agrees, and touches nothing.", check_creates_nothing},
    {"nobody-is-there", "Without a peer connect() and accept() answer AGAIN, at once.",
     nobody_is_there},
    {"carries-every-byte", "3 MiB in uneven pieces arrive whole and in order.", carries_every_byte},
    {"says-the-end", "After finish(END) the other side reads what is left, then CLOSED.",
     says_the_end},
    {"idles", "read() answers AGAIN while nothing comes, and ready() wakes whoever waits.", idles},
    {"holds-back", "A writer whom nobody reads is answered AGAIN, and nothing is lost.",
     holds_back},
    {"notices-a-lost-peer", "A peer that is gone is CLOSED.", notices_a_lost_peer},
    {"leaves-nothing", "No file is left of a listener.", leaves_nothing},
    {"both-ways", "Both directions of one channel carry bytes, and end apart.", both_ways},
    {"several-channels", "Four channels at one address keep their bytes apart.", several_channels},
    {"carries-descriptors", "One and 128 descriptors arrive, and are what was sent.",
     carries_descriptors},
    {"refuses-too-many-descriptors", "What finds no room is closed, and said.",
     refuses_too_many_descriptors},
    {"seeks", "What was written at an offset is read there; what was not is a hole.", seeks},
    {"outlives-its-writer", "What is sealed is read by a later process.", outlives_its_writer},
    {"aborts", "What is aborted leaves nothing behind.", aborts},
};

} // namespace

Status transport_round(Subject& s) {
    return over_a_link(
        s, [](const Link& l) { return carry(l.out, l.in, pattern(kSome, 5)); },
        [](const Transport& out, const Transport& in) { return rest(out, in, pattern(kSome, 5)); });
}

std::span<const Case> transport_cases() {
    return cases;
}

} // namespace segue::testkit
