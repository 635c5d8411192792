// SPDX-License-Identifier: Apache-2.0
#include "sdk/testkit/transport_claims.hpp"

#include <poll.h>

#include <segue/cpp/sys.hpp>

#include "sdk/testkit/surroundings.hpp"

namespace segue::testkit {

namespace {

constexpr std::size_t kSome = 100'003;
constexpr std::uint64_t kFar = 1 << 20;

Status needs(Subject& s, std::uint64_t cap, const char* name) {
    return has(s, cap) ? Status() : does_not_apply(std::string("it is not '") + name + "'");
}

// Descriptors that can be told apart.
Result<std::vector<UniqueFd>> memfds(std::size_t n) {
    std::vector<UniqueFd> list;
    for (std::size_t i = 0; i < n; ++i) {
        SEGUE_ASSIGN(UniqueFd fd, sys::memfd("sent", 0));
        SEGUE_TRY(sys::truncate(fd.get(), i + 1));
        list.push_back(std::move(fd));
    }
    return list;
}

std::vector<int> numbers(const std::vector<UniqueFd>& fds) {
    std::vector<int> list;
    list.reserve(fds.size());
    for (const UniqueFd& fd : fds)
        list.push_back(fd.get());
    return list;
}

Status same_files(const std::vector<UniqueFd>& sent, const std::vector<UniqueFd>& came) {
    if (sent.size() != came.size())
        return broke(std::to_string(sent.size()) + " descriptors went along with a write, and " +
                         std::to_string(came.size()) + " came",
                     "the fds go with the first byte");
    for (std::size_t i = 0; i < sent.size(); ++i) {
        SEGUE_ASSIGN(const struct stat a, sys::stat(sent[i].get()));
        SEGUE_ASSIGN(const struct stat b, sys::stat(came[i].get()));
        if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
            return broke("descriptor " + std::to_string(i) + " is not the one that was sent",
                         rules::descriptors);
    }
    return {};
}

Status send_some(const Link& l, std::size_t n) {
    SEGUE_ASSIGN(const auto sent, memfds(n));
    SEGUE_TRY(write_all(l.out, pattern(17, 6), numbers(sent)));
    std::vector<UniqueFd> came;
    SEGUE_ASSIGN(const Bytes bytes, read_all(l.in, 17, &came));
    SEGUE_TRY(same(pattern(17, 6), bytes));
    return same_files(sent, came);
}

Status write_and_seal(const Transport& t, std::span<const std::byte> bytes) {
    SEGUE_ASSIGN(const auto out, connect(t));
    if (!out)
        return broke("connect() answered AGAIN", "on a one-way transport connect() gives a channel "
                                                 "to write");
    SEGUE_TRY(write_all(*out, bytes));
    SEGUE_TRY(out->finish(SEGUE_FINISH_END));
    return out->finish(SEGUE_FINISH_SEAL);
}

// None where nothing is there.
Result<std::optional<End>> open_to_read(const Transport& t) {
    SEGUE_ASSIGN(const End listener, listen(t));
    for (int tries = 0; tries < 20; ++tries) {
        SEGUE_ASSIGN(auto in, listener.accept(t));
        if (in)
            return in;
        listener.wait(POLLIN);
    }
    return std::optional<End>();
}

// `near` at 0 and `far` at kFar, the far one first.
Status write_apart(const Transport& t, const Bytes& near, const Bytes& far) {
    SEGUE_ASSIGN(const auto out, connect(t));
    if (!out)
        return broke("connect() answered AGAIN", rules::tables);
    SEGUE_ASSIGN(const Moved late, out->write_at(kFar, far));
    SEGUE_ASSIGN(const Moved early, out->write_at(0, near));
    if (late.bytes != far.size() || early.bytes != near.size())
        return broke("write_at() answered " + late.answer.text() + " and " + early.answer.text() +
                         " and took only a part",
                     "write_at() takes bytes for an offset");
    SEGUE_TRY(out->finish(SEGUE_FINISH_END));
    return out->finish(SEGUE_FINISH_SEAL);
}

Status read_apart(const End& in, const Bytes& near, const Bytes& far) {
    Bytes room(near.size()), hole(4096, std::byte{1}), far_room(far.size());
    SEGUE_ASSIGN(const Moved a, in.read_at(0, room));
    SEGUE_ASSIGN(const Moved b, in.read_at(kFar / 2, hole));
    SEGUE_ASSIGN(const Moved c, in.read_at(kFar, far_room));
    if (a.bytes != room.size() || b.bytes != hole.size() || c.bytes != far_room.size())
        return broke("read_at() gives less than was written there", "`at` is a byte offset");
    SEGUE_TRY(same(near, room));
    SEGUE_TRY(same(Bytes(hole.size()), hole));
    return same(far, far_room);
}

Status backs(const End& in, const Bytes& near) {
    std::int32_t fd = -1;
    SEGUE_TRY(
        in.subject().must("backing", "backing() gives a borrowed fd, to map RAM from",
                          [&](segue_error* e) { return in.table().backing(in.handle(), &fd, e); }));
    std::byte first = {};
    if (fd >= 0 && ::pread(fd, &first, 1, 0) == 1 && first == near[0])
        return {};
    return broke("what backing() names is not what read_at() reads",
                 "backing() gives a borrowed fd, to map RAM from");
}

} // namespace

Status rest(const Transport& outgoing, const Transport& incoming,
            std::span<const std::byte> bytes) {
    SEGUE_TRY(write_and_seal(outgoing, bytes));
    SEGUE_ASSIGN(const auto in, open_to_read(incoming));
    if (!in)
        return broke("it was sealed, and accept() answers AGAIN", "SEAL: whole, durable, checked");
    SEGUE_ASSIGN(const Bytes came, read_to_the_end(*in));
    SEGUE_TRY(in->finish(SEGUE_FINISH_ABORT)); // read and used up
    return same(bytes, came);
}

Status both_ways(Subject& s) {
    SEGUE_TRY(needs(s, SEGUE_TRANSPORT_BIDIRECTIONAL, "bidirectional"));
    return over_a_link(s, [](const Link& l) -> Status {
        SEGUE_TRY(carry(l.out, l.in, pattern(kSome, 7)));
        SEGUE_TRY(carry(l.in, l.out, pattern(kSome, 8)));
        SEGUE_TRY(l.out.finish(SEGUE_FINISH_END));
        SEGUE_TRY(carry(l.in, l.out, pattern(kSome, 9)));
        SEGUE_ASSIGN(const Bytes rest, read_to_the_end(l.in));
        return rest.empty() ? Status() : broke("bytes came twice", "finish(END) is a half-close");
    });
}

Status several_channels(Subject& s) {
    SEGUE_TRY(needs(s, SEGUE_TRANSPORT_MULTI, "multi"));
    SEGUE_ASSIGN(const Transport a, Transport::make(s));
    SEGUE_ASSIGN(const Transport b, Transport::make(s));
    SEGUE_ASSIGN(const End listener, listen(b));
    std::vector<Link> links;
    for (int i = 0; i < 4; ++i) {
        SEGUE_ASSIGN(Link l, link(a, b, listener));
        links.push_back(std::move(l));
    }
    std::uint32_t seed = 10;
    for (const Link& l : links)
        SEGUE_TRY(write_all(l.out, pattern(1000, seed++)));
    for (auto l = links.rbegin(); l != links.rend(); ++l) {
        SEGUE_ASSIGN(const Bytes came, read_all(l->in, 1000));
        SEGUE_TRY(same(pattern(1000, --seed), came));
    }
    return {};
}

Status carries_descriptors(Subject& s) {
    SEGUE_TRY(needs(s, SEGUE_TRANSPORT_FDS, "fds"));
    return over_a_link(s, [](const Link& l) -> Status {
        SEGUE_TRY(send_some(l, 1));
        return send_some(l, SEGUE_TRANSPORT_MAX_FDS);
    });
}

Status refuses_too_many_descriptors(Subject& s) {
    SEGUE_TRY(needs(s, SEGUE_TRANSPORT_FDS, "fds"));
    return over_a_link(s, [](const Link& l) -> Status {
        constexpr const char* rule = "descriptors that do not fit into `cap`: INVALID, all closed";
        SEGUE_ASSIGN(const auto sent, memfds(5));
        SEGUE_TRY(write_all(l.out, pattern(8, 11), numbers(sent)));
        const Surroundings before = holdings();
        std::byte room[8];
        std::vector<UniqueFd> came;
        l.in.wait(POLLIN);
        SEGUE_ASSIGN(const Moved m, l.in.read(room, &came, 2));
        if (m.answer.status != SEGUE_INVALID)
            return broke("five descriptors came, there was room for two, and read() answered " +
                             m.answer.text(),
                         rule);
        const std::string left = difference(before, holdings());
        return left.empty() ? Status() : broke("it keeps what did not fit: " + left, rule);
    });
}

Status seeks(Subject& s) {
    SEGUE_TRY(needs(s, SEGUE_TRANSPORT_SEEKABLE, "seekable"));
    SEGUE_ASSIGN(const Transport t, Transport::make(s));
    const Bytes near = pattern(5000, 12), far = pattern(4096, 13);
    SEGUE_TRY(write_apart(t, near, far));
    SEGUE_ASSIGN(const auto in, open_to_read(t));
    if (!in)
        return broke("it was sealed, and accept() answers AGAIN", "SEAL: whole, durable, checked");
    SEGUE_TRY(read_apart(*in, near, far));
    SEGUE_TRY(backs(*in, near));
    return in->finish(SEGUE_FINISH_ABORT);
}

Status outlives_its_writer(Subject& s) {
    SEGUE_TRY(needs(s, SEGUE_TRANSPORT_PERSISTENT, "persistent"));
    const Bytes bytes = pattern(kSome, 14);
    SEGUE_TRY(s.values()); // the same on both sides
    SEGUE_ASSIGN(Trace trace, Trace::make());
    const Outcome written = in_child(trace, s.request().deadline, [&] {
        const Status done = [&]() -> Status {
            SEGUE_ASSIGN(const Transport t, Transport::make(s));
            return write_and_seal(t, bytes);
        }();
        return done ? Outcome{Verdict::Passed, "", ""}
                    : Outcome{Verdict::Failed, done.error().what(), done.error().detail("rule")};
    });
    if (written.verdict != Verdict::Passed)
        return Error(Code::Refused, written.what).with("rule", written.rule);
    SEGUE_ASSIGN(const Transport t, Transport::make(s));
    SEGUE_ASSIGN(const auto in, open_to_read(t));
    if (!in)
        return broke("its writer is gone, and accept() answers AGAIN",
                     "PERSISTENT: outlives both processes");
    SEGUE_ASSIGN(const Bytes came, read_to_the_end(*in));
    SEGUE_TRY(in->finish(SEGUE_FINISH_ABORT));
    return same(bytes, came);
}

Status aborts(Subject& s) {
    SEGUE_TRY(needs(s, SEGUE_TRANSPORT_SEEKABLE | SEGUE_TRANSPORT_PERSISTENT, "a file of its own"));
    const Surroundings before = files_in(s.dir());
    SEGUE_ASSIGN(const Transport t, Transport::make(s));
    {
        SEGUE_ASSIGN(const auto out, connect(t));
        if (!out)
            return broke("connect() answered AGAIN", rules::tables);
        SEGUE_TRY(write_all(*out, pattern(kSome, 15)));
        SEGUE_TRY(out->finish(SEGUE_FINISH_ABORT));
    }
    const std::string left = difference(before, files_in(s.dir()));
    return left.empty() ? Status()
                        : broke("there is still: " + left, "ABORT: nothing may be left "
                                                           "behind");
}

} // namespace segue::testkit
