// SPDX-License-Identifier: Apache-2.0
#include "core/control/door.hpp"

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "core/base/temp_dir.hpp"
#include "core/base/unix_socket.hpp"

namespace segue::control {
namespace {

Deadline soon() {
    return Deadline::in(std::chrono::seconds(30));
}
const Poco::Timespan kLong(30, 0), kShort(0, 20000);

struct DoorTest : testing::Test {
    TempDir dir;
    std::string path = dir / "api.sock";
    UniqueFd listening = listen_unix(path, 0600).value();
    std::unique_ptr<Door> door = Door::adopt(UniqueFd(::dup(listening.get()))).value();
};

TEST_F(DoorTest, ServesOverAnAdoptedDescriptor) {
    auto server = door->socket();
    auto client = connect_unix(path, soon()).value();
    ASSERT_TRUE(server.poll(kLong, Poco::Net::Socket::SELECT_READ));
    Poco::Net::StreamSocket peer = server.acceptConnection();
    EXPECT_NE(::fcntl(peer.impl()->sockfd(), F_GETFD) & FD_CLOEXEC, 0);
    ASSERT_EQ(::write(client.get(), "ping", 4), 4);
    char got[4] = {};
    EXPECT_EQ(peer.receiveBytes(got, 4), 4);
    EXPECT_EQ(std::string(got, 4), "ping");
}

TEST_F(DoorTest, OnlyListeningUnixSocketsAreAdopted) {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    const UniqueFd other(pair[1]);
    EXPECT_EQ(Door::adopt(UniqueFd(pair[0])).code(), Code::Invalid);
    EXPECT_EQ(Door::adopt(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC))).code(),
              Code::Invalid);
}

TEST_F(DoorTest, WhileHeldNobodyComesIn) {
    auto server = door->socket();
    ASSERT_TRUE(door->hold(soon()));
    auto client = connect_unix(path, soon()).value();                  // into the backlog
    EXPECT_FALSE(server.poll(kShort, Poco::Net::Socket::SELECT_READ)); // the wake-up
    EXPECT_FALSE(server.poll(kShort, Poco::Net::Socket::SELECT_READ));
    door->open();
    bool came = false;
    for (int i = 0; i < 3 && !came; ++i)
        came = server.poll(kLong, Poco::Net::Socket::SELECT_READ);
    EXPECT_TRUE(came);
}

TEST_F(DoorTest, WhoeverAskedNothingIsShownOut) {
    DoorLimits limits;
    limits.greeting = std::chrono::milliseconds(0);
    door = Door::adopt(UniqueFd(::dup(listening.get())), limits).value();
    auto server = door->socket();
    auto client = connect_unix(path, soon()).value();
    ASSERT_TRUE(server.poll(kLong, Poco::Net::Socket::SELECT_READ));
    {
        Poco::Net::StreamSocket peer = server.acceptConnection();
        // The visitor still has its socket, so the room is not empty, but it is cut.
        EXPECT_EQ(door->hold(Deadline::in(std::chrono::milliseconds(10))).code(), Code::Deadline);
        EXPECT_EQ(::send(client.get(), "ping", 4, MSG_NOSIGNAL), -1);
        EXPECT_EQ(errno, EPIPE) << "what is not read must not be taken";
        char got[4];
        EXPECT_EQ(peer.receiveBytes(got, 1), 0);
        // To whoever asked between the look at him and the cut.
        EXPECT_EQ(peer.sendBytes("pong", 4), 4);
        EXPECT_EQ(::recv(client.get(), got, 4, MSG_DONTWAIT), 4);
    }
    EXPECT_TRUE(door->hold(soon()));
    char byte;
    EXPECT_EQ(::recv(client.get(), &byte, 1, MSG_DONTWAIT), 0);
}

// Connected, and about to ask: an end of file would be a refusal.
TEST_F(DoorTest, WhoeverHasJustComeInMayAsk) {
    DoorLimits limits;
    limits.greeting = std::chrono::seconds(30);
    door = Door::adopt(UniqueFd(::dup(listening.get())), limits).value();
    auto server = door->socket();
    auto client = connect_unix(path, soon()).value();
    ASSERT_TRUE(server.poll(kLong, Poco::Net::Socket::SELECT_READ));
    Poco::Net::StreamSocket peer = server.acceptConnection();
    EXPECT_EQ(door->hold(Deadline::in(std::chrono::milliseconds(10))).code(), Code::Deadline);
    ASSERT_EQ(::send(client.get(), "ping", 4, MSG_NOSIGNAL), 4);
    EXPECT_TRUE(peer.poll(kLong, Poco::Net::Socket::SELECT_READ));
    char got[4];
    EXPECT_EQ(peer.receiveBytes(got, 4), 4);
}

TEST_F(DoorTest, WhoeverAskedIsWaitedFor) {
    auto server = door->socket();
    auto client = connect_unix(path, soon()).value();
    ASSERT_EQ(::write(client.get(), "ping", 4), 4);
    ASSERT_TRUE(server.poll(kLong, Poco::Net::Socket::SELECT_READ));
    Poco::Net::StreamSocket peer = server.acceptConnection();
    EXPECT_EQ(door->hold(Deadline::in(std::chrono::milliseconds(10))).code(), Code::Deadline);
    char byte;
    EXPECT_EQ(::recv(client.get(), &byte, 1, MSG_DONTWAIT), -1); // not cut
}

TEST_F(DoorTest, TheListenerGoesOnInTheNextGeneration) {
    door->stop();
    door.reset();
    auto client = connect_unix(path, soon());
    ASSERT_TRUE(client) << client.error().what();
    auto next = Door::adopt(UniqueFd(::dup(listening.get()))).value();
    EXPECT_TRUE(next->socket().poll(kLong, Poco::Net::Socket::SELECT_READ));
}

} // namespace
} // namespace segue::control
