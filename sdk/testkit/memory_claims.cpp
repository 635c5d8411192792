// SPDX-License-Identifier: Apache-2.0
#include "sdk/testkit/memory_claims.hpp"

#include <sys/wait.h>

#include <algorithm>

#include "sdk/testkit/surroundings.hpp"

namespace segue::testkit {

namespace {

constexpr std::byte kMark{0x5e};

// The first and the last byte.
void mark(const Mapping& map) {
    map.span().front() = map.span().back() = kMark;
}
bool is_marked(const Mapping& map) {
    return map.span().front() == kMark && map.span().back() == kMark;
}

Status lasting(const RamBlock& b) {
    return b.outlives(SEGUE_SURVIVES_RESTART) ? Status()
                                              : does_not_apply("its blocks end with their process");
}

Status mapped_and_marked(const RamBlock& b) {
    SEGUE_ASSIGN(const Mapping map, b.map());
    mark(map);
    return {};
}

Status still_marked(const RamBlock& b, const char* function) {
    SEGUE_ASSIGN(const Mapping map, b.map());
    return is_marked(map) ? Status()
                          : broke(std::string("what the guest wrote is not in the block that ") +
                                      function + "() gave",
                                  "make() zeroes; reopen() and adopt() never do");
}

} // namespace

// The other process marks it, as a successor does whose guest runs on.
Status shares(Subject& s) {
    SEGUE_ASSIGN(const Memory m, Memory::make(s));
    SEGUE_ASSIGN(const RamBlock b, make(m, kBlock));
    const Dropped dropped(m, kBlock);
    if (!b.outlives(SEGUE_SURVIVES_TRANSFER))
        return does_not_apply("its blocks do not survive a transfer");
    SEGUE_ASSIGN(const Mapping here, b.map());
    const pid_t child = ::fork();
    if (child == 0) {
        const auto there = b.map();
        if (there)
            mark(*there);
        ::_exit(there ? 0 : 1);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0)
        return broke("another process cannot map its descriptor",
                     "TRANSFER: the fd goes to another process");
    return is_marked(here)
               ? Status()
               : broke("another process maps the descriptor, and what it writes is not seen here",
                       "a block that survives a transfer is shared");
}

Status adopts(Subject& s) {
    SEGUE_ASSIGN(const Memory m, Memory::make(s));
    SEGUE_ASSIGN(const RamBlock b, make(m, kBlock));
    const Dropped dropped(m, kBlock);
    if ((b.raw.survives & (SEGUE_SURVIVES_TRANSFER | SEGUE_SURVIVES_EXEC)) == 0)
        return does_not_apply("its blocks end with their process");
    SEGUE_TRY(mapped_and_marked(b));
    SEGUE_ASSIGN(UniqueFd given, sys::dup(b.fd.get()));
    SEGUE_ASSIGN(const Memory next, Memory::make(s));
    SEGUE_ASSIGN(const Tried t, try_adopt(next, kBlock, std::move(given), b.raw.offset));
    if (!t.block)
        return broke("adopt() answered " + t.answer.text() + " for what make() made",
                     "adopt() takes `fd`, which another generation made");
    if (t.block->raw.survives != b.raw.survives || t.block->raw.page_shift != b.raw.page_shift ||
        t.block->raw.stamp != b.raw.stamp)
        return broke("adopt() says other things of the block than make() did",
                     "a block says truly what is in fd");
    return still_marked(*t.block, "adopt");
}

Status reopens(Subject& s) {
    SEGUE_ASSIGN(const Memory m, Memory::make(s));
    const Dropped dropped(m, kBlock);
    {
        SEGUE_ASSIGN(const RamBlock b, make(m, kBlock));
        SEGUE_TRY(lasting(b));
        SEGUE_TRY(mapped_and_marked(b));
    }
    SEGUE_ASSIGN(const Memory next, Memory::make(s));
    SEGUE_ASSIGN(const Tried t, try_reopen(next, kBlock, s.request().bytes));
    if (!t.block)
        return broke("reopen() answered " + t.answer.text() + " for what make() left",
                     "reopen() opens the block that make() left behind");
    return still_marked(*t.block, "reopen");
}

Status reopen_harms_nothing(Subject& s) {
    SEGUE_ASSIGN(const Memory m, Memory::make(s));
    const Dropped dropped(m, kBlock);
    constexpr const char* rule = "reopen() never creates, truncates or zeroes";
    {
        SEGUE_ASSIGN(const RamBlock b, make(m, kBlock));
        SEGUE_TRY(lasting(b));
        SEGUE_TRY(mapped_and_marked(b));
    }
    const std::uint64_t bytes = s.request().bytes;
    SEGUE_ASSIGN(const Tried half, try_reopen(m, kBlock, bytes / 2));
    if (half.block)
        return broke("reopen() gave a block of half the size that was made", rule);
    SEGUE_ASSIGN(const Tried whole, try_reopen(m, kBlock, bytes));
    if (!whole.block)
        return broke("after a reopen() of another size the block is gone: " + whole.answer.text(),
                     rule);
    SEGUE_TRY(still_marked(*whole.block, "reopen"));
    drop(m, kBlock);
    const Surroundings before = files_in(s.dir());
    SEGUE_ASSIGN(const Tried none, try_reopen(m, kBlock, bytes));
    if (none.block || !difference(before, files_in(s.dir())).empty())
        return broke("reopen() made a block that was not there", rule);
    return {};
}

Status drops(Subject& s) {
    const Surroundings before = files_in(s.dir());
    SEGUE_ASSIGN(const Memory m, Memory::make(s));
    for (int i = 0; i < 2; ++i) {
        { SEGUE_ASSIGN(const RamBlock b, make(m, kBlock)); }
        drop(m, kBlock);
        const std::string left = difference(before, files_in(s.dir()));
        if (!left.empty())
            return broke("after drop() there is still: " + left,
                         "drop() removes what make() left outside");
    }
    return {};
}

} // namespace segue::testkit
