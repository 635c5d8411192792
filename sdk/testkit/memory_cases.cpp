// SPDX-License-Identifier: Apache-2.0
// memory_cases.cpp - what every memory plugin keeps. (What is said of RAM that outlives its
// process is in memory_claims.cpp.)
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "sdk/testkit/memory_claims.hpp"
#include "sdk/testkit/surroundings.hpp"

namespace segue::testkit {

namespace {

Status table_is_whole(Subject& s) {
    const auto& t = s.table<segue_memory>();
    if (t.create == nullptr || t.destroy == nullptr || t.make == nullptr || t.adopt == nullptr)
        return broke("create, destroy, make or adopt is NULL", rules::tables);
    const bool lasts = (t.caps & SEGUE_SURVIVES_RESTART) != 0;
    if ((t.reopen != nullptr) != lasts)
        return broke(lasts ? "its bytes survive a restart, and reopen is NULL"
                           : "reopen is there, and its bytes do not survive a restart",
                     "reopen is NULL unless the bytes survive a restart");
    return {};
}

Status check_creates_nothing(Subject& s) {
    SEGUE_ASSIGN(const Memory m, Memory::make(s));
    const Surroundings before = files_in(s.dir()), held = holdings();
    if (m.table().check != nullptr)
        SEGUE_TRY(s.must("check", rules::check, [&](segue_error* e) {
            return m.table().check(m.self(), s.request().bytes, e);
        }));
    const std::string changed =
        difference(before, files_in(s.dir())) + difference(held, holdings());
    return changed.empty() ? Status() : broke("check() left something: " + changed, rules::check);
}

Status makes_what_was_asked(Subject& s) {
    SEGUE_ASSIGN(const Memory m, Memory::make(s));
    SEGUE_ASSIGN(const RamBlock b, make(m, kBlock));
    const Dropped dropped(m, kBlock);
    SEGUE_ASSIGN(const Mapping map, b.map());
    const auto ram = map.span();
    const auto dirty =
        std::find_if(ram.begin(), ram.end(), [](std::byte x) { return x != std::byte{0}; });
    if (dirty != ram.end())
        return broke("byte " + std::to_string(dirty - ram.begin()) + " of a new block is not zero",
                     "make() makes a new, zeroed block");
    std::memset(ram.data(), 0xa5, ram.size()); // a block that is too short ends the process here
    return {};
}

Status blocks_are_apart(Subject& s) {
    SEGUE_ASSIGN(const Memory m, Memory::make(s));
    SEGUE_ASSIGN(const RamBlock a, make(m, kBlock));
    const Dropped dropped(m, kBlock);
    SEGUE_ASSIGN(const Mapping first, a.map());
    SEGUE_ASSIGN(const Tried again, try_make(m, kBlock));
    if (a.outlives(SEGUE_SURVIVES_RESTART) && again.answer.status != SEGUE_EXISTS)
        return broke("make() answered " + again.answer.text() + " for a block that is there",
                     "make() makes a new block; EXISTS where there is one already");
    if (!again.block)
        return {};
    SEGUE_ASSIGN(const Mapping second, again.block->map());
    first.data()[0] = std::byte{1};
    if (second.data()[0] != std::byte{0})
        return broke("two blocks are the same memory", "make() makes a new, zeroed block");
    return {};
}

Status refuses_what_is_no_ram(Subject& s) {
    SEGUE_ASSIGN(const Memory m, Memory::make(s));
    SEGUE_ASSIGN(UniqueFd event, sys::event());
    SEGUE_ASSIGN(const Tried odd, try_adopt(m, kBlock, std::move(event), 0));
    if (odd.block)
        return broke("adopt() took an eventfd for RAM", "adopt() checks type, size and seals");
    SEGUE_ASSIGN(UniqueFd shorter, sys::memfd("short", 0));
    SEGUE_TRY(sys::truncate(shorter.get(), s.request().bytes / 2));
    SEGUE_ASSIGN(const Tried half, try_adopt(m, kBlock, std::move(shorter), 0));
    if (half.block)
        return broke("adopt() took a file of half the size", "adopt() checks type, size and seals");
    return {};
}

constexpr Case cases[] = {
    {"table-is-whole", "Every function that its capabilities demand is there.", table_is_whole},
    {"check-creates-nothing", "check() agrees, and touches nothing.", check_creates_nothing},
    {"makes-what-was-asked", "A new block has the size, maps as it says, and is all zero.",
     makes_what_was_asked},
    {"blocks-are-apart", "A second block of a name is refused, or is other memory.",
     blocks_are_apart},
    {"refuses-what-is-no-ram", "adopt() takes neither an eventfd nor a file that is too short.",
     refuses_what_is_no_ram},
    {"shares", "Another process that maps the descriptor sees what the guest writes.", shares},
    {"adopts", "adopt() takes the descriptor of another generation, bytes and all.", adopts},
    {"reopens", "reopen() finds the block again, bytes and all.", reopens},
    {"reopen-harms-nothing", "reopen() neither creates nor cuts off.", reopen_harms_nothing},
    {"drops", "drop() leaves nothing outside, and the name is free again.", drops},
};

} // namespace

Status memory_round(Subject& s) {
    SEGUE_ASSIGN(const Memory m, Memory::make(s));
    SEGUE_ASSIGN(RamBlock b, make(m, kBlock));
    const Dropped dropped(m, kBlock);
    SEGUE_ASSIGN(const Mapping map, b.map());
    map.data()[0] = std::byte{1};
    if (!b.outlives(SEGUE_SURVIVES_TRANSFER))
        return {};
    SEGUE_ASSIGN(const Memory other, Memory::make(s));
    SEGUE_ASSIGN(const Tried t, try_adopt(other, kBlock, std::move(b.fd), b.raw.offset));
    return t.block ? Status()
                   : broke("adopt() answered " + t.answer.text() + " for what make() made",
                           "adopt() takes `fd`, which another generation made");
}

std::span<const Case> memory_cases() {
    return cases;
}

} // namespace segue::testkit
