// SPDX-License-Identifier: Apache-2.0
#include "sdk/testkit/ram_block.hpp"

#include <sys/mman.h>

#include <segue/cpp/sys.hpp>

namespace segue::testkit {

namespace {

constexpr std::uint64_t all_survivals =
    SEGUE_SURVIVES_EXEC | SEGUE_SURVIVES_TRANSFER | SEGUE_SURVIVES_RESTART | SEGUE_SURVIVES_KERNEL;
constexpr std::uint64_t kStamp = 4096;

segue_block empty_block() {
    segue_block b = {};
    b.size = sizeof b;
    b.fd = -1;
    b.stamp = SEGUE_NO_STAMP;
    return b;
}

std::string number(std::uint64_t n) {
    return std::to_string(n);
}

// "" where the numbers fit together.
std::string fault_of(const segue_block& b, std::uint64_t asked, std::uint64_t caps) {
    const int flags = static_cast<int>(b.map_flags), kind = flags & (MAP_SHARED | MAP_PRIVATE);
    const bool anonymous = (flags & MAP_ANONYMOUS) != 0;
    if (b.bytes != asked)
        return "a block of " + number(b.bytes) + " bytes, and was asked for " + number(asked);
    if (b.page_shift < 12 || b.page_shift > 30)
        return "a page_shift of " + number(b.page_shift);
    if (b.offset % (1ull << b.page_shift) != 0)
        return "an offset of " + number(b.offset) + ", which is no multiple of its page";
    const bool known = kind == MAP_SHARED || kind == MAP_PRIVATE || kind == MAP_SHARED_VALIDATE;
    if (!known || (flags & MAP_FIXED) != 0)
        return "map_flags of " + number(b.map_flags) + ", with which nothing can be mapped";
    if (anonymous != (b.fd < 0))
        return anonymous ? "a descriptor with MAP_ANONYMOUS" : "no descriptor";
    if (kind == MAP_PRIVATE && b.survives != 0)
        return "a private mapping that is said to survive (" + number(b.survives) +
               "): what the "
               "guest writes is in no descriptor";
    if ((b.survives & ~all_survivals) != 0 || (b.survives & ~caps) != 0)
        return "a block that survives " + number(b.survives) + ", and its table says " +
               number(caps & all_survivals);
    if (b.stamp != SEGUE_NO_STAMP &&
        (b.stamp % kStamp != 0 || (b.stamp + kStamp > b.offset && b.stamp < b.offset + b.bytes)))
        return "a stamp at " + number(b.stamp) + ", within the RAM";
    return {};
}

std::string fault_of_file(const segue_block& b) {
    const auto s = sys::stat(b.fd);
    if (!s)
        return "a descriptor that is not open";
    if ((::fcntl(b.fd, F_GETFD) & FD_CLOEXEC) == 0)
        return "a descriptor that an execve would leave open";
    const auto size = static_cast<std::uint64_t>(s->st_size);
    const std::uint64_t end = b.stamp == SEGUE_NO_STAMP
                                  ? b.offset + b.bytes
                                  : std::max(b.offset + b.bytes, b.stamp + kStamp);
    if (S_ISREG(s->st_mode) && size < end)
        return "a file of " + number(size) + " bytes for a block that needs " + number(end);
    return {};
}

template <class F>
Result<Tried> tried(const Memory& m, const char* function, std::uint64_t bytes, F f) {
    segue_block raw = empty_block();
    SEGUE_ASSIGN(Answer a, m.subject().call(function, [&](segue_error* e) { return f(&raw, e); }));
    Tried t{std::move(a), std::nullopt};
    if (t.answer.ok()) {
        SEGUE_ASSIGN(t.block, judge_block(m, function, raw, bytes));
    }
    return t;
}

} // namespace

Result<Mapping> RamBlock::map() const {
    return Mapping::make(raw.bytes, PROT_READ | PROT_WRITE, static_cast<int>(raw.map_flags),
                         fd.get(), static_cast<off_t>(raw.offset), "the block");
}

Result<RamBlock> judge_block(const Memory& m, const char* function, const segue_block& raw,
                             std::uint64_t bytes) {
    std::string fault = fault_of(raw, bytes, m.table().caps);
    if (fault.empty() && raw.fd >= 0)
        fault = fault_of_file(raw);
    if (!fault.empty())
        return broke(std::string(function) + "() gave " + fault,
                     "a block says truly what is in fd: size, pages, flags for mmap, what it "
                     "survives");
    RamBlock b;
    b.raw = raw;
    b.fd = UniqueFd(raw.fd);
    return b;
}

Result<Tried> try_make(const Memory& m, const char* name) {
    const std::uint64_t bytes = m.subject().request().bytes;
    return tried(m, "make", bytes, [&](segue_block* b, segue_error* e) {
        return m.table().make(m.self(), name, bytes, b, e);
    });
}

Result<RamBlock> make(const Memory& m, const char* name) {
    SEGUE_ASSIGN(Tried t, try_make(m, name));
    if (!t.block)
        return broke("make() answered " + t.answer.text(), "make() makes a new, zeroed block");
    return std::move(*t.block);
}

Result<Tried> try_reopen(const Memory& m, const char* name, std::uint64_t bytes) {
    return tried(m, "reopen", bytes, [&](segue_block* b, segue_error* e) {
        return m.table().reopen(m.self(), name, bytes, b, e);
    });
}

Result<Tried> try_adopt(const Memory& m, const char* name, UniqueFd fd, std::uint64_t offset) {
    const std::uint64_t bytes = m.subject().request().bytes;
    SEGUE_ASSIGN(const struct stat before, sys::stat(fd.get()));
    SEGUE_ASSIGN(Tried t, tried(m, "adopt", bytes, [&](segue_block* b, segue_error* e) {
                     return m.table().adopt(m.self(), name, fd.get(), offset, bytes, b, e);
                 }));
    if (t.block) {
        (void)fd.release(); // consumed
        if (t.block->raw.offset != offset)
            return broke("adopt() moved the RAM within its file", "adopt() takes fd as it is");
        return t;
    }
    const auto after = sys::stat(fd.get());
    if (after && after->st_ino == before.st_ino)
        return t;
    (void)fd.release();
    return broke("adopt() answered " + t.answer.text() + " and closed the descriptor",
                 rules::descriptors);
}

void drop(const Memory& m, const char* name) {
    if (m.table().drop != nullptr)
        m.subject().call_void("drop", [&] { m.table().drop(m.self(), name); });
}

} // namespace segue::testkit
