// SPDX-License-Identifier: Apache-2.0
// The outgoing side of a switch-over between two hosts, the other one played by hand: what it does
// at each step at which the connection may break.
#include "core/update/handshake.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <condition_variable>
#include <deque>

namespace segue::update {
namespace {

class HandshakeTest : public testing::Test {
protected:
    static Waiter soon() { return Waiter{Deadline::in(std::chrono::milliseconds(100))}; }
    static Waiter later() { return Waiter{Deadline::in(std::chrono::seconds(20))}; }
    static std::pair<Stream, Stream> pair() {
        int fds[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
        return {Stream(UniqueFd(fds[0])), Stream(UniqueFd(fds[1]))};
    }
    HandshakeTest() { std::tie(ours_, theirs_) = pair(); }
    ~HandshakeTest() override {
        if (thread_.joinable())
            thread_.join();
    }

    void say(const Stream& s, MessageType what) { ASSERT_TRUE(s.send(what, {}, {}, later())); }
    // The next connection that our side makes, as the other side has it.
    Stream connect() {
        auto [ours, theirs] = pair();
        const std::lock_guard lock(mutex_);
        new_.push_back(std::move(ours));
        arrived_.notify_all();
        return std::move(theirs);
    }
    Result<Stream> again(const Waiter& wait) {
        std::unique_lock lock(mutex_);
        // Not for long: the answer of an operator is looked for in between.
        if (!arrived_.wait_for(lock, std::chrono::milliseconds(5),
                               [this] { return !new_.empty(); }))
            return Error(Code::Deadline, "nobody listens");
        EXPECT_FALSE(wait.deadline.is_never());
        Stream s = std::move(new_.front());
        new_.pop_front();
        return s;
    }
    // In a thread of its own: until the other side has been played.
    void begin(const Waiter& wait) {
        thread_ = std::thread([this, wait] {
            result_ =
                switch_over({[this] { return relinquish_(); }, [this] { return take_back_(); },
                             [] { return std::vector<std::byte>(8); },
                             [this](const Waiter& w) { return again(w); },
                             [this](const Error&) { in_doubt_ = true; },
                             [this](Place p) { told_ = p; }, doubt_},
                            std::move(ours_), wait);
        });
    }
    Status end() {
        thread_.join();
        return std::move(result_);
    }
    void await_doubt() {
        for (const auto limit = later(); !in_doubt_ && !limit.deadline.passed();)
            std::this_thread::yield();
        ASSERT_TRUE(in_doubt_);
    }
    // LOADED, RUN; then the connection breaks.
    void break_after_run() {
        begin(later());
        say(theirs_, MessageType::Loaded);
        ASSERT_TRUE(theirs_.expect(MessageType::Run, later()));
        theirs_.close();
        ASSERT_NO_FATAL_FAILURE(await_doubt());
    }

    Stream ours_, theirs_;
    Doubt doubt_;
    std::atomic<bool> relinquished_ = false, in_doubt_ = false;
    std::optional<Place> told_;
    std::function<Status()> relinquish_ = [this] {
        relinquished_ = true;
        return Status();
    };
    std::function<Status()> take_back_ = [] { return Status(); };
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::deque<Stream> new_;
    Status result_;
    std::thread thread_;
};

TEST_F(HandshakeTest, GivesTheGuestAwayAndSaysThatItHasHeard) {
    begin(later());
    say(theirs_, MessageType::Loaded);
    const auto run = theirs_.expect(MessageType::Run, later());
    ASSERT_TRUE(run);
    EXPECT_EQ(run->body.size(), 8u);
    EXPECT_TRUE(relinquished_) << "durable before RUN";
    say(theirs_, MessageType::Running);
    EXPECT_TRUE(theirs_.expect(MessageType::Running, later()));
    EXPECT_TRUE(end());
    EXPECT_FALSE(in_doubt_);
}

TEST_F(HandshakeTest, BrokenBeforeItIsRelinquishedKeepsTheGuest) {
    theirs_.close();
    begin(later());
    EXPECT_EQ(end().code(), Code::Closed);
    EXPECT_FALSE(relinquished_);
}

TEST_F(HandshakeTest, WithoutLoadedKeepsTheGuest) {
    begin(soon());
    EXPECT_EQ(end().code(), Code::Deadline);
    EXPECT_FALSE(relinquished_);
}

TEST_F(HandshakeTest, ThatCannotBeJournalledKeepsTheGuest) {
    relinquish_ = [] { return Error(Code::Io, "the disk is full"); };
    begin(later());
    say(theirs_, MessageType::Loaded);
    EXPECT_EQ(end().code(), Code::Io);
    EXPECT_NE(theirs_.receive(soon()).code(), Code::Ok) << "no RUN went out";
}

// Disks may take their time.
TEST_F(HandshakeTest, WhatIsLetGoOfTooLateIsTakenBack) {
    const Waiter wait{Deadline::in(std::chrono::seconds(1))};
    relinquish_ = [&] {
        while (!wait.deadline.passed())
            std::this_thread::yield();
        return Status();
    };
    bool back = false;
    take_back_ = [&] {
        back = true;
        return Status();
    };
    begin(wait);
    say(theirs_, MessageType::Loaded);
    EXPECT_EQ(end().code(), Code::Deadline);
    EXPECT_TRUE(back);
    EXPECT_NE(theirs_.receive(soon()).code(), Code::Ok) << "no RUN went out";
}

TEST_F(HandshakeTest, ARefusalAfterRunIsTheOtherSidesWordThatItNeverRan) {
    begin(later());
    say(theirs_, MessageType::Loaded);
    ASSERT_TRUE(theirs_.expect(MessageType::Run, later()));
    ASSERT_TRUE(theirs_.refuse(Error(Code::Refused, "the disk is locked"), later()));
    EXPECT_EQ(end().code(), Code::Refused);
    EXPECT_FALSE(in_doubt_);
}

TEST_F(HandshakeTest, InDoubtTheNextConnectionsRunningSettlesIt) {
    ASSERT_NO_FATAL_FAILURE(break_after_run());
    const Stream next = connect();
    say(next, MessageType::Running);
    EXPECT_TRUE(next.expect(MessageType::Running, later()));
    EXPECT_TRUE(end());
}

TEST_F(HandshakeTest, InDoubtRunIsSaidAgainOnlyToWhoSaysLoadedAgain) {
    ASSERT_NO_FATAL_FAILURE(break_after_run());
    const Stream next = connect();
    EXPECT_EQ(next.receive(soon()).code(), Code::Deadline) << "no RUN into the blue";
    say(next, MessageType::Loaded);
    ASSERT_TRUE(next.expect(MessageType::Run, later()));
    say(next, MessageType::Running);
    EXPECT_TRUE(end());
}

TEST_F(HandshakeTest, InDoubtItMayBreakAgainAndAgain) {
    ASSERT_NO_FATAL_FAILURE(break_after_run());
    for (int i = 0; i < 3; ++i) {
        const Stream next = connect();
        say(next, MessageType::Loaded);
        ASSERT_TRUE(next.expect(MessageType::Run, later()));
    }
    const Stream last = connect();
    say(last, MessageType::Loaded);
    ASSERT_TRUE(last.expect(MessageType::Run, later()));
    ASSERT_TRUE(last.refuse(Error(Code::Refused, "it never ran"), later()));
    EXPECT_EQ(end().code(), Code::Refused);
}

// A VMM that was started there since, say: it knows nothing of what the one before it did.
TEST_F(HandshakeTest, InDoubtWhoRefusesFirstIsNotTheOneThatWasTold) {
    ASSERT_NO_FATAL_FAILURE(break_after_run());
    const Stream stranger = connect();
    ASSERT_TRUE(stranger.refuse(Error(Code::Cancelled, "shut down"), later()));
    const Stream next = connect();
    say(next, MessageType::Running);
    EXPECT_TRUE(end());
}

TEST_F(HandshakeTest, InDoubtAnOperatorMaySayThatItIsThere) {
    ASSERT_NO_FATAL_FAILURE(break_after_run());
    ASSERT_TRUE(doubt_.resolve(Place::There));
    EXPECT_TRUE(end());
    EXPECT_EQ(told_, Place::There);
}

TEST_F(HandshakeTest, InDoubtAnOperatorMaySayThatItIsHere) {
    ASSERT_NO_FATAL_FAILURE(break_after_run());
    ASSERT_TRUE(doubt_.resolve(Place::Here));
    EXPECT_EQ(end().code(), Code::Cancelled);
    EXPECT_EQ(told_, Place::Here);
    EXPECT_EQ(doubt_.resolve(Place::There).code(), Code::Refused) << "answered once";
}

// The answer was wrong: the disk is locked by who runs the guest.
TEST_F(HandshakeTest, WhatSomebodyElseHoldsIsNotOursWhateverIsSaid) {
    std::atomic<bool> locked = true;
    take_back_ = [&] { return locked ? Status(Error(Code::Refused, "locked")) : Status(); };
    ASSERT_NO_FATAL_FAILURE(break_after_run());
    in_doubt_ = false;
    ASSERT_TRUE(doubt_.resolve(Place::Here));
    ASSERT_NO_FATAL_FAILURE(await_doubt()) << "again";
    locked = false;
    ASSERT_TRUE(doubt_.resolve(Place::Here)) << "and may be answered again";
    EXPECT_EQ(end().code(), Code::Cancelled);
}

TEST_F(HandshakeTest, WithoutADoubtThereIsNothingToResolve) {
    const Status s = doubt_.resolve(Place::Here);
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_FALSE(s.error().way_out().empty());
    begin(later());
    say(theirs_, MessageType::Loaded);
    ASSERT_TRUE(theirs_.expect(MessageType::Run, later()));
    EXPECT_FALSE(doubt_.resolve(Place::Here));
    say(theirs_, MessageType::Running);
    EXPECT_TRUE(end());
}

} // namespace
} // namespace segue::update
