// SPDX-License-Identifier: Apache-2.0
// The ownership word as a state machine: every interleaving of owner, candidate and a late
// candidate, step by step.
#include "core/update/word.hpp"

#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace segue::update {
namespace {

TEST(Word, PacksAndUnpacks) {
    for (const Word w : {Word{}, Word{1, 0, Owner::Owned},
                         Word{0xffffffff, kMaxAttempt, Owner::Ended}, Word{7, 3, Owner::Offered}})
        EXPECT_EQ(unpack(pack(w)), w);
    EXPECT_EQ(to_string(Word{3, 7, Owner::Offered}), "OFFERED(3,7)");
}

TEST(Word, OnlyTheNamedTransitionsExist) {
    const Word owned{2, 5, Owner::Owned}, open{2, 6, Owner::Offered}, over{2, 5, Owner::Ended};
    EXPECT_EQ(offered(owned, 2, 6), open);
    EXPECT_FALSE(offered(owned, 2, 5)) << "an attempt is used once";
    EXPECT_FALSE(offered(owned, 1, 6)) << "somebody else owns it";
    EXPECT_FALSE(offered(owned, 2, kMaxAttempt + 1));
    EXPECT_FALSE(offered(open, 2, 7)) << "one offer at a time";
    EXPECT_FALSE(offered(over, 2, 6));
    EXPECT_EQ(claimed(open, 3, 6), (Word{3, 6, Owner::Owned}));
    EXPECT_FALSE(claimed(open, 3, 5)) << "a candidate of an earlier attempt";
    EXPECT_FALSE(claimed(open, 4, 6)) << "a generation was skipped";
    EXPECT_FALSE(claimed(owned, 3, 5)) << "nothing is offered";
    EXPECT_EQ(taken_back(open, 2, 6), (Word{2, 6, Owner::Owned}));
    EXPECT_FALSE(taken_back(owned, 2, 5));
    EXPECT_EQ(ended(owned, 2), over);
    EXPECT_FALSE(ended(owned, 1));
    EXPECT_FALSE(ended(open, 2)) << "the guest is on offer";
    EXPECT_FALSE(created(owned));
}

// A process that reads the word, then swaps from what it read: two steps, so that others can come
// in between.
struct Process {
    enum Act { Offer, TakeBack, Claim } act;
    std::uint32_t generation, attempt; // for Claim the candidate's own
    bool has_read = false, done = false;
    Word seen{};
    bool running = false; // it believes that it owns the guest
};

struct World {
    Word word;
    std::vector<Process> all;
};

void step(World& w, std::size_t i) {
    Process& p = w.all[i];
    if (!p.has_read) {
        p.seen = w.word;
        p.has_read = true;
        return;
    }
    std::optional<Word> to;
    if (p.act == Process::Offer)
        to = offered(p.seen, p.generation, p.attempt);
    if (p.act == Process::TakeBack)
        to = taken_back(p.seen, p.generation, p.attempt);
    if (p.act == Process::Claim)
        to = claimed(p.seen, p.generation, p.attempt);
    if (to && w.word == p.seen) {
        w.word = *to;
        p.running = p.act != Process::Offer;
    }
    p.done = true;
}

// Runs every interleaving; `check` sees each final world.
template <class F>
int explore(const World& w, F check) {
    int worlds = 0;
    bool moved = false;
    for (std::size_t i = 0; i < w.all.size(); ++i) {
        if (w.all[i].done)
            continue;
        World next = w;
        step(next, i);
        worlds += explore(next, check);
        moved = true;
    }
    if (moved)
        return worlds;
    check(w);
    return 1;
}

TEST(Word, EveryInterleavingOfOfferedHasOneWinnerAtMost) {
    World w{{4, 9, Owner::Offered}, {}};
    w.all = {{Process::TakeBack, 4, 9},
             {Process::Claim, 5, 9},
             {Process::Claim, 5, 8},
             {Process::Claim, 5, 9}};
    std::set<std::uint64_t> ends;
    const int worlds = explore(w, [&](const World& end) {
        int winners = 0;
        for (const Process& p : end.all)
            winners += p.running ? 1 : 0;
        ASSERT_EQ(winners, 1) << to_string(end.word);
        EXPECT_FALSE(end.all[2].running) << "a late standby of an earlier attempt won";
        ends.insert(pack(end.word));
    });
    EXPECT_EQ(worlds, 2520); // 8! / 2!^4
    EXPECT_EQ(ends.size(), 2u) << "both outcomes must be reachable";
}

TEST(Word, AnOfferAfterATakeBackIsOutOfReachOfTheOldCandidate) {
    // The owner takes attempt 9 back and offers attempt 10; the candidate of 9 is late.
    World w{{4, 9, Owner::Offered}, {}};
    w.all = {{Process::TakeBack, 4, 9}, {Process::Offer, 4, 10}, {Process::Claim, 5, 9}};
    explore(w, [&](const World& end) {
        int winners = 0;
        for (const Process& p : end.all)
            winners += p.running ? 1 : 0;
        EXPECT_EQ(winners, 1);
        if (end.word.state == Owner::Offered) {
            EXPECT_EQ(end.word.attempt, 10u);
            EXPECT_FALSE(end.all[2].running);
        }
    });
}

} // namespace
} // namespace segue::update
