// SPDX-License-Identifier: Apache-2.0
// Both ways to switch over, each side played by hand: never two runners.
#include "core/update/arbiter.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "core/update/two_sides_test.hpp"

namespace segue::update {
namespace {

class ArbiterTest : public testing::Test {
protected:
    ArbiterTest() {
        int pair[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
        old_ = Stream(UniqueFd(pair[0]));
        new_ = Stream(UniqueFd(pair[1]));
    }
    static Waiter soon() { return Waiter{Deadline::in(std::chrono::milliseconds(100))}; }
    static Waiter later() { return Waiter{Deadline::in(std::chrono::seconds(20))}; }
    Status hand_over(const Waiter& wait) {
        return make_handshake_arbiter(owner_, 1, relinquish_)->switch_over(old_, wait);
    }

    test::TempDir dir_;
    Ownership owner_ = Ownership::create(dir_ / "owner", state::Uuid{}).value();
    Stream old_, new_;
    bool relinquished_ = false;
    std::function<Status()> relinquish_ = [this] {
        relinquished_ = true;
        return Status();
    };
};

TEST_F(ArbiterTest, HandshakeGivesTheGuestAwayOnce) {
    Status ran;
    std::thread other([&] {
        ran = await_run(new_, later());
        EXPECT_TRUE(relinquished_) << "durable before RUN";
        (void)new_.send(MessageType::Running, {}, {}, later()).ok();
    });
    EXPECT_TRUE(hand_over(later()));
    other.join();
    EXPECT_TRUE(ran);
    EXPECT_EQ(owner_.word().state, Owner::Ended);
}

TEST_F(ArbiterTest, HandshakeBrokenBeforeItIsRelinquishedKeepsTheGuest) {
    new_.close();
    EXPECT_EQ(hand_over(later()).code(), Code::Closed);
    EXPECT_FALSE(relinquished_);
    EXPECT_EQ(owner_.word(), (Word{1, 0, Owner::Owned}));
}

TEST_F(ArbiterTest, HandshakeWithoutLoadedKeepsTheGuest) {
    EXPECT_EQ(hand_over(soon()).code(), Code::Deadline);
    EXPECT_FALSE(relinquished_);
    old_.close();
    EXPECT_FALSE(await_run(new_, later()));
}

TEST_F(ArbiterTest, HandshakeThatCannotBeJournalledKeepsTheGuest) {
    ASSERT_TRUE(new_.send(MessageType::Loaded, {}, {}, later()));
    relinquish_ = [] { return Error(Code::Io, "the disk is full"); };
    EXPECT_EQ(hand_over(later()).code(), Code::Io);
    EXPECT_EQ(new_.receive(soon()).code(), Code::Deadline) << "no RUN went out";
}

TEST_F(ArbiterTest, HandshakeBrokenAfterwardsIsInDoubt) {
    ASSERT_TRUE(new_.send(MessageType::Loaded, {}, {}, later()));
    const Status s = hand_over(soon());
    ASSERT_EQ(s.code(), Code::Paused);
    EXPECT_FALSE(s.error().way_out().empty());
    EXPECT_TRUE(relinquished_);
}

TEST_F(ArbiterTest, AWordThatNobodyTakesIsTakenBack) {
    const auto arbiter = make_word_arbiter(owner_, 1, 1);
    EXPECT_EQ(arbiter->switch_over(old_, soon()).code(), Code::Deadline);
    EXPECT_EQ(owner_.word(), (Word{1, 1, Owner::Owned}));
    const Status late = await_word(owner_, 2, 1, new_, later());
    EXPECT_EQ(late.code(), Code::Refused) << "GO is there, the offer is not";
    EXPECT_EQ(owner_.word(), (Word{1, 1, Owner::Owned}));
}

TEST_F(ArbiterTest, ARunnerThatNeverTookTheWordIsNone) {
    ASSERT_TRUE(new_.send(MessageType::Running, {}, {}, later()));
    EXPECT_EQ(make_word_arbiter(owner_, 1, 1)->switch_over(old_, later()).code(), Code::Corrupt);
    EXPECT_EQ(owner_.word(), (Word{1, 1, Owner::Owned}));
}

TEST_F(ArbiterTest, ACandidateCommitsHoweverTheOwnerEnded) {
    ASSERT_TRUE(owner_.offer(1, 1));
    old_.close(); // killed, before GO
    EXPECT_TRUE(await_word(owner_, 2, 1, new_, later()));
    EXPECT_EQ(owner_.word(), (Word{2, 1, Owner::Owned}));
}

TEST_F(ArbiterTest, ACandidateWithoutAnOfferDoesNotRun) {
    old_.close();
    EXPECT_EQ(await_word(owner_, 2, 1, new_, later()).code(), Code::Closed);
    EXPECT_EQ(owner_.word(), (Word{1, 0, Owner::Owned}));
}

class Handshake : public TwoSides {
protected:
    Handshake() { plugins_.options = new_options_ = {{"handshake", "true"}}; }
};

TEST_F(Handshake, MovesTheGuestToARecordOfItsOwn) {
    expect_moved(update());
    EXPECT_EQ(ownership_->word().state, Owner::Ended);
    EXPECT_EQ(candidate().ownership->word(), (Word{2, 1, Owner::Owned}));
}

TEST_F(Handshake, AFailureOnTheWayKeepsTheGuest) {
    script_.fail("new machine load");
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, r.error->detail("phase")));
}

TEST_F(Handshake, InDoubtTheGuestStandsStillHere) {
    script_.on("new vcpus run", [this] { return candidate().die(); });
    const auto r = update();
    EXPECT_EQ(code_, Code::Paused);
    EXPECT_FALSE(vcpus_.running);
    EXPECT_EQ(script_.count("old vcpus run"), 0);
    EXPECT_EQ(run_.state(), report::RunState::Postmigrate);
    EXPECT_FALSE(r.error->way_out().empty());
}

} // namespace
} // namespace segue::update
