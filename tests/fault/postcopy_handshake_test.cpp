// SPDX-License-Identifier: Apache-2.0
// postcopy_handshake_test.cpp - a guest is about to run on another host before its RAM is there,
// and the cable is cut in the switch-over, with the connections for its RAM: one host runs it,
// whatever becomes of those.
#include "tests/fault/postcopy_hosts_test.hpp"
#include "tests/support/threads.hpp"

namespace segue::fault {
namespace {

class PostcopyHandshake : public PostcopyHosts {
protected:
    PostcopyHandshake()
        : PostcopyHosts(postcopy_spec("max_rounds = 0, channels = 2")) {}

    // Loaded over there, and not given away yet.
    void cut_before_the_commit() {
        barriers_->hold("new commit");
        ASSERT_NO_FATAL_FAILURE(begin_until("old commit"));
        ASSERT_TRUE(barriers_->reached("new commit", patience()));
        EXPECT_TRUE(asks());
        cable_->cut();
    }
    // Given away, and nobody over there knows.
    void cut_before_run() {
        ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
        cable_->cut();
        barriers_->release("old relinquished");
        ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
        ASSERT_NO_FATAL_FAILURE(await_doubt(b_));
        ASSERT_TRUE(comes_true([&] { return !asks(); }));
    }
    // Who has lost the connections has no thread any more that takes the answers.
    bool asks() const { return test::thread_named(b_.first().pid, "answers") != 0; }
    // It runs there as far as its RAM goes, and both wait for the rest.
    void expect_paused_there() {
        ASSERT_TRUE(comes_to(b_, UpdateStatus::PostcopyPaused));
        ASSERT_TRUE(comes_to(a_, UpdateStatus::PostcopyPaused));
        EXPECT_EQ(state(b_), RunState::Running);
        EXPECT_EQ(state(a_), RunState::Postmigrate);
        expect_a_stands_still();
    }
    void expect_completed_there() {
        ASSERT_NO_FATAL_FAILURE(expect_completed());
        EXPECT_GT(written(b_).faults->faults, 0u);
    }
};

// Its requests die before its commit: it never says that it is loaded.
TEST_F(PostcopyHandshake, WhoCannotHaveTheRamAnyMoreDoesNotTakeTheGuest) {
    ASSERT_NO_FATAL_FAILURE(cut_before_the_commit());
    ASSERT_TRUE(comes_true([&] { return !asks(); }));
    barriers_->release("new commit");
    EXPECT_TRUE(comes_true([&] { return gone(b_); })) << "it waits for a guest that cannot run";
    barriers_->release("old commit");
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
}

// They die after it: as in any mode, nobody over there can know who has the guest.
TEST_F(PostcopyHandshake, CutBeforeItIsGivenAwayItStays) {
    ASSERT_NO_FATAL_FAILURE(cut_before_the_commit());
    barriers_->release("new commit");
    barriers_->release("old commit");
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    ASSERT_NO_FATAL_FAILURE(expect_runs(a_));
    ASSERT_NO_FATAL_FAILURE(await_doubt(b_, false));
    ASSERT_TRUE(comes_true([&] { return !asks(); }));
    EXPECT_EQ(state(b_), RunState::Inmigrate);
    resolve(b_, false);
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
    EXPECT_EQ(written(b_).switch_over, SwitchOver::ResolvedThere);
}

TEST_F(PostcopyHandshake, CutBeforeRunItRunsThereOnceMendedAndItsRamIsRecovered) {
    ASSERT_NO_FATAL_FAILURE(cut_before_run());
    EXPECT_FALSE(b_.client().recover(there_)) << "it does not run there yet";
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(expect_paused_there());
    ASSERT_NO_FATAL_FAILURE(recover());
    ASSERT_NO_FATAL_FAILURE(expect_completed_there());
}

TEST_F(PostcopyHandshake, AnOperatorSaysThatItIsThereAndItsRamIsRecovered) {
    ASSERT_NO_FATAL_FAILURE(cut_before_run());
    resolve(a_, false);
    ASSERT_TRUE(comes_to(a_, UpdateStatus::PostcopyPaused));
    resolve(b_, true);
    ASSERT_NO_FATAL_FAILURE(expect_paused_there());
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(recover());
    ASSERT_NO_FATAL_FAILURE(expect_completed_there());
    EXPECT_EQ(written(a_).switch_over, SwitchOver::ResolvedThere);
    EXPECT_EQ(written(b_).switch_over, SwitchOver::ResolvedHere);
}

// The other one's RAM is whole, and nothing of the guest ran without it.
TEST_F(PostcopyHandshake, AnOperatorSaysThatItIsHere) {
    ASSERT_NO_FATAL_FAILURE(cut_before_run());
    resolve(b_, false);
    ASSERT_TRUE(comes_true([&] { return gone(b_); }));
    resolve(a_, true);
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Cancelled));
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
}

} // namespace
} // namespace segue::fault
