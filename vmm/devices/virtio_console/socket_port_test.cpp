// SPDX-License-Identifier: Apache-2.0
#include "vmm/devices/virtio_console/socket_port.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <segue/cpp/sys.hpp>

#include "core/base/unix_socket.hpp"
#include "tests/support/temp_dir.hpp"

namespace segue::vmm {
namespace {

class SocketPortTest : public testing::Test {
protected:
    SocketPortTest() {
        EXPECT_TRUE(open_port_socket("port.a", path, inventory).ok());
        port = generation();
    }
    std::unique_ptr<HostPort> generation() const {
        return SocketPort::create(adopt_port_socket("port.a", inventory).value()).value();
    }
    // As an update does it.
    void update() {
        auto next = generation();
        EXPECT_TRUE(port->park().ok());
        EXPECT_TRUE(next->arrive().ok());
        next->unpark();
        port = std::move(next);
    }
    UniqueFd connect() const {
        return connect_unix(path, Deadline::in(std::chrono::seconds(10))).value();
    }
    static bool readable(int fd, int ms = 10000) {
        pollfd p = {fd, POLLIN, 0};
        return ::poll(&p, 1, ms) == 1;
    }
    static std::span<const std::byte> bytes(const std::string& text) {
        return std::as_bytes(std::span(text));
    }
    static void say(int fd, const std::string& text) {
        ASSERT_TRUE(sys::write_all(fd, bytes(text)).ok());
    }
    // "": the end.
    static std::string hear(int fd) {
        char text[64];
        if (!readable(fd))
            return "nothing";
        const auto n = ::read(fd, text, sizeof text);
        return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : "";
    }
    std::string from_client() {
        std::array<std::byte, 64> to = {};
        const std::size_t n = port->read(to);
        return {reinterpret_cast<const char*>(to.data()), n};
    }
    test::TempDir dir;
    const std::string path = dir / "agent.sock";
    inventory::Inventory inventory;
    std::unique_ptr<HostPort> port;
};

TEST_F(SocketPortTest, CarriesBytesAndTellsOfThem) {
    const UniqueFd client = connect();
    EXPECT_TRUE(readable(port->event())) << "somebody comes";
    port->watch(true, false);
    EXPECT_FALSE(readable(port->event(), 0));
    say(client.get(), "ping");
    EXPECT_TRUE(readable(port->event()));
    EXPECT_EQ(from_client(), "ping");
    EXPECT_EQ(from_client(), "");
    EXPECT_EQ(port->write(bytes("pong")), 4u);
    EXPECT_EQ(hear(client.get()), "pong");
    EXPECT_TRUE(port->lossless());
}

TEST_F(SocketPortTest, OnlyItsOwnUserConnects) {
    struct stat st = {};
    ASSERT_EQ(::stat(path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600u);
}

TEST_F(SocketPortTest, WithoutAClientOutputGoesNowhere) {
    EXPECT_EQ(port->write(bytes("stale")), 5u);
    const UniqueFd client = connect();
    EXPECT_EQ(port->write(bytes("fresh")), 5u);
    EXPECT_EQ(hear(client.get()), "fresh");
}

TEST_F(SocketPortTest, WhereTheClientReadsNothingThereIsNoRoom) {
    const UniqueFd client = connect();
    const std::string much(64 << 10, 'x');
    std::size_t taken = 0, n = 0;
    while ((n = port->write(bytes(much))) != 0)
        taken += n;
    port->watch(false, true);
    EXPECT_FALSE(readable(port->event(), 0));
    std::string got;
    while (got.size() < taken)
        got += hear(client.get());
    EXPECT_EQ(got.size(), taken);
    EXPECT_TRUE(readable(port->event()));
}

TEST_F(SocketPortTest, ASecondClientIsHungUpOn) {
    const UniqueFd first = connect();
    port->watch(true, false);
    const UniqueFd second = connect();
    EXPECT_TRUE(readable(port->event()));
    port->watch(true, false);
    EXPECT_EQ(hear(second.get()), "");
    say(first.get(), "still here");
    EXPECT_EQ(from_client(), "still here");
}

TEST_F(SocketPortTest, TheNextClientComesWhenTheFirstHasGone) {
    UniqueFd first = connect();
    port->watch(true, false);
    say(first.get(), "last words");
    first.reset();
    EXPECT_TRUE(readable(port->event()));
    EXPECT_EQ(from_client(), "last words");
    EXPECT_EQ(from_client(), "");
    const UniqueFd next = connect();
    EXPECT_EQ(port->write(bytes("hello")), 5u);
    EXPECT_EQ(hear(next.get()), "hello");
}

TEST_F(SocketPortTest, LastWordsAreHeardThoughTheNextOneIsThere) {
    UniqueFd first = connect();
    port->watch(true, false);
    say(first.get(), "last words");
    first.reset();
    const UniqueFd next = connect();
    EXPECT_EQ(port->write(bytes("lost")), 4u) << "nobody hears it";
    EXPECT_EQ(from_client(), "last words");
    EXPECT_EQ(from_client(), "");
    EXPECT_EQ(port->write(bytes("hello")), 5u);
    EXPECT_EQ(hear(next.get()), "hello");
}

// Nobody in the guest has the port open: its end is not told for ever, nor does it keep others out.
TEST_F(SocketPortTest, AClientThatLeavesUnheardGivesWay) {
    UniqueFd first = connect();
    port->watch(false, false);
    say(first.get(), "is anybody there?");
    first.reset();
    EXPECT_FALSE(readable(port->event(), 0));
    const UniqueFd next = connect();
    EXPECT_TRUE(readable(port->event()));
    port->watch(false, false);
    EXPECT_EQ(port->write(bytes("yes")), 3u);
    EXPECT_EQ(hear(next.get()), "yes");
}

TEST_F(SocketPortTest, AnUpdateKeepsTheClientAndWhatItSaid) {
    const UniqueFd client = connect();
    port->watch(true, false); // after this the inventory may have been passed already
    say(client.get(), "on its way");
    for (int i = 0; i < 3; ++i)
        update();
    port->watch(true, false);
    EXPECT_TRUE(readable(port->event()));
    EXPECT_EQ(from_client(), "on its way");
    EXPECT_EQ(port->write(bytes("heard")), 5u);
    EXPECT_EQ(hear(client.get()), "heard");
}

TEST_F(SocketPortTest, WhoConnectsInAnUpdateFindsTheNextGeneration) {
    ASSERT_TRUE(port->park().ok());
    const UniqueFd client = connect();
    update();
    EXPECT_EQ(port->write(bytes("hello")), 5u);
    EXPECT_EQ(hear(client.get()), "hello");
}

// As in cpr-exec, where the state that the successor is built from is loaded besides the last one.
TEST_F(SocketPortTest, WhatIsLoadedTwiceIsThere) {
    const UniqueFd client = connect();
    port->watch(true, false);
    auto next = generation();
    ASSERT_TRUE(port->park().ok());
    ASSERT_TRUE(next->arrive().ok());
    ASSERT_TRUE(next->arrive().ok());
    next->unpark();
    port.reset();
    EXPECT_EQ(next->write(bytes("here")), 4u);
    EXPECT_EQ(hear(client.get()), "here");
}

TEST_F(SocketPortTest, AClientThatHasGoneSinceTheLastUpdateIsNotLoadedAgain) {
    UniqueFd client = connect();
    port->watch(true, false);
    update();
    ASSERT_EQ(::shutdown(client.get(), SHUT_WR), 0);
    EXPECT_EQ(from_client(), "");
    EXPECT_EQ(hear(client.get()), "") << "nobody else holds its connection";
    update();
    const UniqueFd second = connect();
    EXPECT_EQ(port->write(bytes("hello")), 5u);
    EXPECT_EQ(hear(second.get()), "hello");
}

TEST_F(SocketPortTest, ATakenBackUpdateLeavesTheClientHere) {
    const UniqueFd client = connect();
    port->watch(true, false);
    {
        const auto candidate = generation();
        ASSERT_TRUE(port->park().ok());
        ASSERT_TRUE(candidate->arrive().ok());
    }
    port->unpark();
    EXPECT_EQ(port->write(bytes("still")), 5u);
    EXPECT_EQ(hear(client.get()), "still");
    say(client.get(), "me too");
    EXPECT_EQ(from_client(), "me too");
    EXPECT_TRUE(adopt_port_socket("port.a", inventory)->pouch.look()->empty());
}

TEST_F(SocketPortTest, AProbeHasNone) {
    const auto none = SocketPort::create(PortSocket()).value();
    EXPECT_TRUE(none->arrive().ok());
    none->watch(true, true);
    EXPECT_TRUE(none->park().ok());
    none->unpark();
    EXPECT_EQ(none->write(bytes("x")), 1u);
}

TEST_F(SocketPortTest, TakesThePlaceOfASocketThatNobodyHoldsAndOfNothingElse) {
    inventory::Inventory other;
    EXPECT_EQ(open_port_socket("port.a", path, other).code(), Code::Exists) << "we hold it";
    const std::string file = dir / "file";
    std::ofstream(file) << "precious";
    EXPECT_EQ(open_port_socket("port.a", file, other).code(), Code::Exists);
    EXPECT_TRUE(std::filesystem::exists(file));
    const std::string stale = dir / "stale";
    ASSERT_TRUE(listen_unix(stale, 0600).ok()); // closed at once
    EXPECT_TRUE(open_port_socket("port.a", stale, other).ok());
    EXPECT_EQ(adopt_port_socket("port.b", other).code(), Code::NotFound);
}

} // namespace
} // namespace segue::vmm
