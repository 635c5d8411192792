// SPDX-License-Identifier: Apache-2.0
// The engine stream against a peer that says what it should not.
#include "core/update/stream.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>

#include <segue/cpp/sys.hpp>

namespace segue::update {
namespace {

class StreamTest : public testing::Test {
protected:
    StreamTest() {
        int pair[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
        a_ = Stream(UniqueFd(pair[0]));
        b_ = Stream(UniqueFd(pair[1]));
    }
    // {magic, type, length, descriptors}, as they stand on the wire.
    void raw(std::array<std::uint32_t, 4> words) {
        ASSERT_EQ(::send(a_.fd(), words.data(), sizeof words, 0), 16);
    }
    static constexpr std::uint32_t kMagic = 0x31574745;
    Waiter soon_{Deadline::in(std::chrono::seconds(10))};
    Stream a_, b_;
};

TEST_F(StreamTest, CarriesBytesAndDescriptors) {
    const std::vector<std::byte> body(1 << 20, std::byte{5});
    const UniqueFd file = sys::memfd("x", 0).value();
    const int fd = file.get();
    std::thread sender([&] { EXPECT_TRUE(a_.send(MessageType::Hello, body, {&fd, 1}, soon_)); });
    const auto m = b_.expect(MessageType::Hello, soon_);
    sender.join();
    ASSERT_TRUE(m) << m.error().what();
    EXPECT_EQ(m->body, body);
    ASSERT_EQ(m->fds.size(), 1u);
    EXPECT_EQ(sys::stat(m->fds[0].get())->st_ino, sys::stat(fd)->st_ino);
}

TEST_F(StreamTest, ARefusalKeepsItsWords) {
    const Error why =
        Error(Code::Refused, "no").way_out("so").with("plugin", "mode/x").with("phase", "copy");
    ASSERT_TRUE(a_.refuse(why, soon_));
    const auto m = b_.expect(MessageType::Ready, soon_);
    ASSERT_EQ(m.code(), Code::Refused);
    EXPECT_EQ(m.error().what(), "no");
    EXPECT_EQ(m.error().way_out(), "so");
    EXPECT_EQ(m.error().detail("plugin"), "mode/x");
    EXPECT_EQ(m.error().detail("phase"), "copy");
}

TEST_F(StreamTest, AnotherMessageThanDueIsCorrupt) {
    ASSERT_TRUE(a_.send(MessageType::Running, {}, {}, soon_));
    EXPECT_EQ(b_.expect(MessageType::Ready, soon_).code(), Code::Corrupt);
}

TEST_F(StreamTest, AWrongMagicIsCorrupt) {
    raw({kMagic ^ 1, 2, 0, 0});
    EXPECT_EQ(b_.receive(soon_).code(), Code::Corrupt);
}

TEST_F(StreamTest, AnOverlongMessageIsCorruptBeforeAnythingIsAllocated) {
    raw({kMagic, 2, 0xffffffff, 0});
    EXPECT_EQ(b_.receive(soon_).code(), Code::Corrupt);
}

TEST_F(StreamTest, AnOverlongMessageIsNotSent) {
    const std::vector<std::byte> much(kMaxMessage + 1);
    EXPECT_EQ(a_.send(MessageType::Hello, much, {}, soon_).code(), Code::Invalid);
}

TEST_F(StreamTest, ALostDescriptorIsCorrupt) {
    raw({kMagic, 1, 0, 1});
    EXPECT_EQ(b_.receive(soon_).code(), Code::Corrupt);
}

TEST_F(StreamTest, HalfAMessageAndAHangUpIsClosed) {
    raw({kMagic, 1, 100, 0});
    a_.close();
    EXPECT_EQ(b_.receive(soon_).code(), Code::Closed);
}

TEST_F(StreamTest, EveryWaitEnds) {
    const Waiter now{Deadline::in(std::chrono::milliseconds(5))};
    EXPECT_EQ(b_.receive(now).code(), Code::Deadline);
    const UniqueFd cancel = sys::event(1).value();
    EXPECT_EQ(b_.receive(Waiter{soon_.deadline, cancel.get()}).code(), Code::Cancelled);
    const std::vector<std::byte> much(kMaxMessage);
    EXPECT_EQ(a_.send(MessageType::Hello, much, {}, now).code(), Code::Deadline) << "a full socket";
}

} // namespace
} // namespace segue::update
