// SPDX-License-Identifier: Apache-2.0
// A stranger on a channel: who says nothing, too much, or hangs up in the middle; and descriptors
// that get lost, or are not what they should be.
#include <sys/resource.h>

#include "core/update/passing.hpp"
#include "core/update/two_sides_test.hpp"

namespace segue::update {
namespace {

// The incoming side of an update, and somebody who has connected to its channel "main".
class BadPeer : public testing::Test {
protected:
    BadPeer() {
        session_.needs = {{"main", 0, false, 1}};
        session_.deadline = Deadline::in(std::chrono::seconds(20));
        session_.phase = report::Phase::Prepare;
        EXPECT_TRUE(session_.listen());
        EXPECT_TRUE(transport_.connect(stranger_));
    }
    void say(std::vector<std::byte> bytes) {
        const segue_iov iov = {bytes.data(), bytes.size()};
        ASSERT_EQ(stranger_.write({&iov, 1}, {}).value(), bytes.size());
    }
    // {magic, type, descriptors, 0, length}, as they stand on the wire, and `more`.
    void say_frame(Frame type, std::uint32_t length, const std::string& more) {
        const std::uint32_t words[] = {0x31434753, static_cast<std::uint32_t>(type), 0, 0, length,
                                       0};
        const auto head = std::as_bytes(std::span(words));
        const auto tail = std::as_bytes(std::span(more));
        std::vector<std::byte> all(head.begin(), head.end());
        all.insert(all.end(), tail.begin(), tail.end());
        say(std::move(all));
    }
    // What the channel's opening fails with; it names the channel.
    Error refusal() {
        auto ch = session_.channel("main", 0);
        if (ch)
            return {Code::Ok, "a stranger was let in"};
        EXPECT_EQ(ch.error().detail("channel"), "main") << ch.error().what();
        return ch.error();
    }

    test::TempDir dir_;
    FakePlugins plugins_{dir_.path().string(), {}};
    inventory::Inventory inventory_;
    Session session_{Side::Incoming, inventory_,
                     [this](const std::string& n) { return plugins_.transport(n); }};
    plugin::Transport transport_ = plugins_.transport("main").value();
    plugin::Channel stranger_;
};

TEST_F(BadPeer, WhoSaysNothingIsWaitedForUntilTheDeadline) {
    session_.deadline = Deadline::in(std::chrono::milliseconds(20));
    EXPECT_EQ(refusal().code(), Code::Deadline);
}

TEST_F(BadPeer, WhoSaysNothingDoesNotOutwaitACancel) {
    const UniqueFd cancel = sys::event(1).value();
    session_.cancel_fd = cancel.get();
    EXPECT_EQ(refusal().code(), Code::Cancelled);
}

TEST_F(BadPeer, WhoTalksNonsenseIsRefusedAtTheFirstHeader) {
    say(std::vector<std::byte>(64 << 10, std::byte{'x'}));
    EXPECT_EQ(refusal().code(), Code::Corrupt);
}

TEST_F(BadPeer, WhoAnnouncesTooMuchIsRefusedBeforeItIsRead) {
    say_frame(Frame::Preamble, 0xffffffff, "");
    const Error e = refusal();
    EXPECT_EQ(e.code(), Code::Corrupt);
    EXPECT_NE(e.what().find("announced 4294967295 bytes"), std::string::npos) << e.what();
}

TEST_F(BadPeer, WhoHangsUpAtOnceIsSaidToHaveGone) {
    stranger_.release();
    EXPECT_EQ(refusal().code(), Code::Closed);
}

TEST_F(BadPeer, WhoHangsUpInAHeaderIsSaidToHaveGone) {
    say(std::vector<std::byte>(7, std::byte{1}));
    stranger_.release();
    EXPECT_EQ(refusal().code(), Code::Closed);
}

TEST_F(BadPeer, WhoHangsUpInAMessageIsSaidToHaveGone) {
    say_frame(Frame::Preamble, 56, "half of it");
    stranger_.release();
    EXPECT_EQ(refusal().code(), Code::Closed);
}

// A peer that greets as it should, while this process may open no more than a few descriptors.
class LostDescriptors : public BadPeer {
protected:
    LostDescriptors() { ::getrlimit(RLIMIT_NOFILE, &before_); }
    ~LostDescriptors() override { lift(); }
    // A sanitizer needs descriptors, too, to look at an object for the first time.
    void lift() const { ::setrlimit(RLIMIT_NOFILE, &before_); }
    void leave_room_for(rlim_t n) {
        const UniqueFd next = sys::event().value();
        rlimit limit = before_;
        limit.rlim_cur = static_cast<rlim_t>(next.get()) + n;
        ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    }
    rlimit before_ = {};
};

// recvmsg(2): MSG_CTRUNC.
TEST_F(LostDescriptors, AreToldWithTheirUsualCause) {
    inventory::Inventory theirs;
    std::vector<int> fds;
    for (int i = 0; i < 64; ++i) {
        ASSERT_TRUE(theirs.add(inventory::Item{"item" + std::to_string(i), sys::event().value()}));
        fds.push_back(theirs.items().back().fd.get());
    }
    session_.facts = inventory::describe(theirs, {}).value();
    Channel peer(std::move(stranger_), "main");
    ASSERT_TRUE(peer.greet(session_.agreed.nonce, 0, session_.wait()));
    const auto ch = session_.channel("main", 0);
    ASSERT_TRUE(ch) << ch.error().what();
    const std::uint64_t first = 0;
    ASSERT_TRUE(
        peer.send(Frame::Inventory, std::as_bytes(std::span(&first, 1)), fds, session_.wait()));
    leave_room_for(10);
    const Status s = pass_inventory(session_, **ch);
    lift();
    ASSERT_EQ(s.code(), Code::Io);
    EXPECT_NE(s.error().what().find("descriptors were lost"), std::string::npos);
    EXPECT_NE(s.error().way_out().find("ulimit -n"), std::string::npos);
    EXPECT_TRUE(inventory_.items().empty());
}

class BadRam : public TwoSides {};

// Announced as it is, so that only the back-end of the new side can object.
TEST_F(BadRam, WithoutSealsIsRefusedByItsBackEnd) {
    inventory::RamBlock& b = inventory_.blocks()[0];
    b.fd = sys::memfd("unsealed", MFD_ALLOW_SEALING).value();
    ASSERT_TRUE(sys::truncate(b.fd.get(), b.bytes));
    const auto record = update();
    expect_unharmed(record, "prepare");
    EXPECT_EQ(record.error->code(), Code::Refused);
    EXPECT_EQ(record.error->detail("block"), b.id) << record.error->what();
    EXPECT_NE(record.error->what().find("seal"), std::string::npos) << record.error->what();
}

} // namespace
} // namespace segue::update
