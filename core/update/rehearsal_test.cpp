// SPDX-License-Identifier: Apache-2.0
// Rehearsals: all of an update but the change of hands.
#include "core/update/two_sides_test.hpp"

namespace segue::update {
namespace {

using report::UpdateStatus;

class Rehearsal : public TwoSides {
protected:
    Rehearsal() { request_.rehearse = true; }

    // The guest runs here, as it was, and nobody else ran it or claimed anything for it.
    void expect_here(const Word& before) {
        join();
        EXPECT_TRUE(vcpus_.running);
        EXPECT_TRUE(devices_.working);
        EXPECT_FALSE(frontend_.held);
        EXPECT_EQ(run_.state(), report::RunState::Running);
        EXPECT_EQ(ownership_->word(), before);
        EXPECT_EQ(script_.count("new vcpus run"), 0);
        EXPECT_EQ(script_.count("new devices claim"), 0);
        EXPECT_EQ(script_.count("new devices activate"), 0);
    }
    Word now() { return ownership_->word(); }
};

TEST_F(Rehearsal, TheGuestStaysAndTheBlackoutIsKnown) {
    const Word before = now();
    const auto r = update();
    EXPECT_EQ(r.status, UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    EXPECT_FALSE(r.error);
    EXPECT_NE(code_, Code::Ok) << "which would say that the guest is gone";
    EXPECT_GT(r.blackout.count(), 0);
    EXPECT_GT(r.state_bytes, 0u);
    EXPECT_EQ(r.phases.back().phase, report::Phase::Rollback);
    EXPECT_EQ(script_.count("new machine load"), 1);
    EXPECT_EQ(script_.count("new machine compare"), 1);
    EXPECT_EQ(script_.count("old vcpus run"), 1) << "once, and not again at the end";
    expect_here(before);
}

TEST_F(Rehearsal, WhatDoesNotComeBackAsItWasIsNamed) {
    const Word before = now();
    script_.fail("new machine compare");
    const auto r = update();
    ASSERT_EQ(r.status, UpdateStatus::Failed);
    EXPECT_EQ(r.error->what(), "new machine compare was told to fail");
    expect_here(before);
}

TEST_F(Rehearsal, WhatCannotBeLoadedFailsAsInAnUpdate) {
    const Word before = now();
    script_.fail("new machine load");
    const auto r = update();
    ASSERT_EQ(r.status, UpdateStatus::Failed);
    EXPECT_EQ(r.error->what(), "new machine load was told to fail");
    EXPECT_EQ(r.error->detail("phase"), "handover");
    expect_here(before);
}

TEST_F(Rehearsal, ACandidateThatDiesAfterTheLoadIsTold) {
    const Word before = now();
    script_.on("new machine compare", [this] { return Status(candidate().die()); });
    const auto r = update();
    EXPECT_EQ(r.status, UpdateStatus::Failed);
    expect_here(before);
}

TEST_F(Rehearsal, APausedGuestStaysPaused) {
    pause_by_hand();
    const auto r = update();
    EXPECT_EQ(r.status, UpdateStatus::Completed);
    EXPECT_FALSE(vcpus_.running);
    EXPECT_EQ(run_.state(), report::RunState::Paused);
}

} // namespace
} // namespace segue::update
