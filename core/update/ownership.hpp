// SPDX-License-Identifier: Apache-2.0
// ownership.hpp - the ownership record: a page in a file on tmpfs, mapped shared by every
// generation of one guest, that holds the word.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include <segue/cpp/mapping.hpp>
#include <segue/cpp/result.hpp>
#include <segue/cpp/unique_fd.hpp>

#include "core/report/phase.hpp"
#include "core/state/header.hpp"
#include "core/update/word.hpp"

namespace segue::update {

// Who a word speaks of: a pid alone can be reused.
struct ProcessId {
    std::int32_t pid = 0;
    std::uint64_t start_time = 0; // field 22 of /proc/PID/stat, clock ticks since boot

    static ProcessId self();
    static ProcessId of(pid_t pid); // start time 0: there is no such process
    friend bool operator==(const ProcessId&, const ProcessId&) = default;
};

// How far the owner's update has got: for whoever finds it dead.
struct Mark {
    std::uint32_t attempt = 0;
    report::Phase phase = report::Phase::Preflight;
};

// Move-only owner of the mapping and of its fd. The word's calls may come from any thread; the rest
// from [main] and [update].
class Ownership {
public:
    // Makes the file `path` anew; a stale one is replaced: the caller holds the run directory's
    // lock. NONE -> OWNED(1,0) for a first boot; for a guest that comes from elsewhere what was
    // offered there.
    static Result<Ownership> create(const std::string& path, const state::Uuid& guest,
                                    Word word = *created(Word{}));
    // A later generation: maps what the engine stream passed, or what stayed open over execve;
    // checks magic, size and boot.
    static Result<Ownership> adopt(UniqueFd fd);

    int fd() const { return fd_.get(); }
    const state::Uuid& guest() const { return page().guest; }
    Word word() const { return unpack(page().word.load(std::memory_order_seq_cst)); }

    // A number that no attempt of this guest has had. REFUSED when they are used up.
    Result<std::uint32_t> next_attempt();

    // The swaps of word.hpp, from the exact old value. Who loses must not touch the guest again.
    bool offer(std::uint32_t generation, std::uint32_t attempt);
    bool claim(std::uint32_t generation, std::uint32_t attempt);
    bool take_back(std::uint32_t generation, std::uint32_t attempt);
    bool end(std::uint32_t generation);

    // Whether a candidate may have claimed things outside. It asks before: false where the owner
    // has given it up meanwhile, and nothing may be claimed any more. An owner that does so closes
    // the claims: true where there may be something to undo. A candidate that is told to end may
    // still run for a moment, so neither looks without leaving its mark.
    bool open_claims();
    bool close_claims();
    void clear_claims(); // nothing is claimed, or all of it is the new owner's; a new attempt

    // For supervisors.
    void set_owner(ProcessId who);
    void set_candidate(ProcessId who);
    ProcessId owner() const;
    // One store, also while the guest stands still. [update]
    void set_mark(Mark mark);
    Mark mark() const; // attempt 0: no update yet

private:
    struct Page;
    Ownership(UniqueFd fd, Mapping map)
        : fd_(std::move(fd))
        , map_(std::move(map)) {}
    struct Page {
        std::uint64_t magic;
        std::uint32_t version;
        std::uint32_t attempts; // handed out so far
        std::atomic<std::uint64_t> word;
        state::Uuid guest;
        char boot_id[40];
        std::atomic<std::uint32_t> claims;
        std::atomic<std::uint32_t> mark; // attempt in the high 24 bits, phase below
        ProcessId owner, candidate;
    };
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
    Page& page() const { return *reinterpret_cast<Page*>(map_.data()); }
    bool swap(Word from, std::optional<Word> to);

    UniqueFd fd_;
    Mapping map_;
};

} // namespace segue::update
