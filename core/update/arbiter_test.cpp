// SPDX-License-Identifier: Apache-2.0
// The switch-over by the word, each side played by hand: never two runners.
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

    test::TempDir dir_;
    Ownership owner_ = Ownership::create(dir_ / "owner", state::Uuid{}).value();
    Stream old_, new_;
};

TEST_F(ArbiterTest, AWordThatNobodyTakesIsTakenBack) {
    EXPECT_EQ(offer_word(owner_, 1, 1, old_, soon()).code(), Code::Deadline);
    EXPECT_EQ(owner_.word(), (Word{1, 1, Owner::Owned}));
    const Status late = await_word(owner_, 2, 1, new_, later());
    EXPECT_EQ(late.code(), Code::Refused) << "GO is there, the offer is not";
    EXPECT_EQ(owner_.word(), (Word{1, 1, Owner::Owned}));
}

TEST_F(ArbiterTest, ARunnerThatNeverTookTheWordIsNone) {
    ASSERT_TRUE(new_.send(MessageType::Running, {}, {}, later()));
    EXPECT_EQ(offer_word(owner_, 1, 1, old_, later()).code(), Code::Corrupt);
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

} // namespace
} // namespace segue::update
