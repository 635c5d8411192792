// SPDX-License-Identifier: Apache-2.0
// The incoming side of a switch-over between two hosts, the other one played by hand.
#include "core/update/arrival.hpp"

#include <gtest/gtest.h>

#include <segue/cpp/sys.hpp>

#include "core/update/two_sides_test.hpp"

namespace segue::update {
namespace {

class ArrivalTest : public testing::Test {
protected:
    static Waiter soon() { return Waiter{Deadline::in(std::chrono::milliseconds(100))}; }
    static Waiter later() { return Waiter{Deadline::in(std::chrono::seconds(20))}; }

    // A connection of the old host's, which greets.
    Channel dial(const std::string& name, std::uint32_t index, std::byte nonce = std::byte{7}) {
        plugin::Channel wire;
        EXPECT_TRUE(transport_.connect(wire));
        Channel ch(std::move(wire), name);
        Nonce n = {};
        n[0] = nonce;
        EXPECT_TRUE(ch.greet(n, index, later()));
        return ch;
    }
    Stream dial_engine() { return Stream(dial("engine", 0)); }
    void begin() {
        old_ = dial_engine();
        ASSERT_TRUE(arrival_.begin(cancel_.get()));
    }
    void await_run() {
        thread_ = std::thread([this] {
            auto run = arrival_.await_run(cancel_.get());
            ran_ = run.ok();
            if (run)
                body_ = std::move(*run);
            else
                why_ = run.error();
        });
    }
    bool ran() {
        thread_.join();
        return ran_;
    }
    void await_doubt() {
        for (const auto limit = later(); !arrival_.doubt().is_open() && !limit.deadline.passed();)
            std::this_thread::yield();
        ASSERT_TRUE(arrival_.doubt().is_open());
    }
    void break_when_loaded() {
        ASSERT_NO_FATAL_FAILURE(begin());
        await_run();
        ASSERT_TRUE(old_.expect(MessageType::Loaded, later()));
        old_.close();
        ASSERT_NO_FATAL_FAILURE(await_doubt());
    }
    ~ArrivalTest() override {
        sys::signal_event(cancel_.get());
        if (thread_.joinable())
            thread_.join();
    }

    test::TempDir dir_;
    FakePlugins plugins_{dir_.path().string(), {}};
    plugin::Transport transport_ = plugins_.transport("main").value();
    UniqueFd cancel_ = sys::event().value();
    Arrival arrival_{transport_.listen().value()};
    Stream old_;
    std::vector<std::byte> body_;
    Error why_{Code::Ok, ""};
    bool ran_ = false;
    std::thread thread_;
};

TEST_F(ArrivalTest, RunsOnRun) {
    ASSERT_NO_FATAL_FAILURE(begin());
    await_run();
    ASSERT_TRUE(old_.expect(MessageType::Loaded, later()));
    ASSERT_TRUE(old_.send(MessageType::Run, std::vector<std::byte>(8), {}, later()));
    EXPECT_TRUE(ran());
    EXPECT_EQ(body_.size(), 8u);
}

TEST_F(ArrivalTest, DoesNotRunWhereItIsRefused) {
    ASSERT_NO_FATAL_FAILURE(begin());
    await_run();
    ASSERT_TRUE(old_.refuse(Error(Code::Cancelled, "it stays"), later()));
    EXPECT_FALSE(ran());
    EXPECT_EQ(why_.code(), Code::Refused) << "the other side's cancel is not ours";
}

TEST_F(ArrivalTest, ABrokenConnectionLeavesItWaitingForTheNext) {
    ASSERT_NO_FATAL_FAILURE(break_when_loaded());
    const Stream next = dial_engine();
    ASSERT_TRUE(next.expect(MessageType::Loaded, later())) << "said again";
    EXPECT_TRUE(arrival_.doubt().is_open());
    ASSERT_TRUE(next.send(MessageType::Run, {}, {}, later()));
    EXPECT_TRUE(ran());
    EXPECT_FALSE(arrival_.doubt().is_open());
    EXPECT_EQ(arrival_.doubt().resolve(Place::There).code(), Code::Refused) << "it runs here";
}

TEST_F(ArrivalTest, AnOperatorMaySayThatItRunsHere) {
    ASSERT_NO_FATAL_FAILURE(break_when_loaded());
    ASSERT_TRUE(arrival_.doubt().resolve(Place::Here));
    EXPECT_TRUE(ran());
    EXPECT_TRUE(body_.empty());
    arrival_.tell_running();
    std::this_thread::sleep_for(std::chrono::milliseconds(50)); // it waits for somebody by now
    for (int i = 0; i < 2; ++i) {                               // lost again
        const Stream next = dial_engine();
        ASSERT_TRUE(next.expect(MessageType::Running, later())) << "the old host is told";
    }
}

TEST_F(ArrivalTest, OrThatItDoesNot) {
    ASSERT_NO_FATAL_FAILURE(break_when_loaded());
    ASSERT_TRUE(arrival_.doubt().resolve(Place::There));
    EXPECT_FALSE(ran());
    EXPECT_EQ(why_.code(), Code::Cancelled);
}

// The old host gave up a connection that this one believes in still.
TEST_F(ArrivalTest, ANewConnectionTakesTheOldOnesPlace) {
    ASSERT_NO_FATAL_FAILURE(begin());
    await_run();
    ASSERT_TRUE(old_.expect(MessageType::Loaded, later()));
    const Stream next = dial_engine();
    ASSERT_TRUE(next.expect(MessageType::Loaded, later()));
    ASSERT_TRUE(next.send(MessageType::Run, {}, {}, later()));
    EXPECT_TRUE(ran());
}

TEST_F(ArrivalTest, AStrangerAtTheDoorChangesNothing) {
    ASSERT_NO_FATAL_FAILURE(begin());
    await_run();
    ASSERT_TRUE(old_.expect(MessageType::Loaded, later()));
    const Stream stranger(dial("engine", 0, std::byte{8}));
    EXPECT_NE(stranger.receive(later()).code(), Code::Ok) << "hung up on";
    ASSERT_TRUE(old_.send(MessageType::Run, {}, {}, later()));
    EXPECT_TRUE(ran());
}

// As on a network that loses the first try.
TEST_F(ArrivalTest, ConnectionsMayComeInAnyOrder) {
    ASSERT_NO_FATAL_FAILURE(begin());
    Channel b = dial("data", 1), a = dial("data", 0), m = dial("main", 0);
    const std::byte word[1] = {std::byte{5}};
    ASSERT_TRUE(b.send(Frame::Mode, word, {}, later()));
    auto main = arrival_.entrance().take("main", 0, later());
    auto first = arrival_.entrance().take("data", 0, later());
    auto second = arrival_.entrance().take("data", 1, later());
    ASSERT_TRUE(main && first && second);
    EXPECT_EQ(main->name(), "main");
    EXPECT_EQ(second->expect(Frame::Mode, 1, later()).value().length, 1u);
    EXPECT_EQ(first->expect(Frame::Mode, 1, soon()).code(), Code::Deadline);
}

TEST_F(ArrivalTest, SaysThatItRunsUntilThatIsHeard) {
    ASSERT_NO_FATAL_FAILURE(begin());
    await_run();
    ASSERT_TRUE(old_.send(MessageType::Run, {}, {}, later()));
    ASSERT_TRUE(ran());
    old_.close(); // before RUNNING
    arrival_.tell_running();
    for (int i = 0; i < 2; ++i) { // lost again
        const Stream next = dial_engine();
        ASSERT_TRUE(next.expect(MessageType::Running, later()));
    }
    const Stream last = dial_engine();
    ASSERT_TRUE(last.expect(MessageType::Running, later()));
    ASSERT_TRUE(last.send(MessageType::Running, {}, {}, later()));
    EXPECT_EQ(last.receive(later()).code(), Code::Closed) << "heard: nothing more is said";
    for (const auto limit = later(); !arrival_.heard() && !limit.deadline.passed();)
        std::this_thread::yield();
    EXPECT_GE(arrival_.entrance().fd(), 0) << "channels may come yet";
    arrival_.finish();
    EXPECT_EQ(arrival_.entrance().fd(), -1);
    EXPECT_EQ(arrival_.entrance().take("data", 0, later()).code(), Code::Closed);
}

} // namespace
} // namespace segue::update
