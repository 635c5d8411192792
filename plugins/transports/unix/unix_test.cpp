// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <segue/cpp/socket.hpp>

#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

using plugin::Channel;
using plugin::Direction;
using plugin::Listener;
using plugin::Transport;

segue_iov iov(std::string& text) {
    return {text.data(), text.size()};
}

class Unix : public testing::Test {
protected:
    Transport transport(const std::string& path) {
        auto t = plugins_.make<Transport>("transport/unix", {{"path", path}});
        EXPECT_TRUE(t) << t.error().what();
        return std::move(*t);
    }
    // Both ends of one connection.
    std::pair<Channel, Channel> pair() {
        auto out = transport(path_), in = transport(path_);
        auto listener = in.listen();
        EXPECT_TRUE(listener) << listener.error().what();
        Channel connected;
        EXPECT_TRUE(out.connect(connected));
        auto accepted = listener->accept();
        EXPECT_TRUE(accepted) << accepted.error().what();
        return {std::move(connected), std::move(*accepted)};
    }

    test::TempDir dir_;
    test::OpenPlugins plugins_;
    std::string path_ = dir_ / "update.sock";
};

TEST_F(Unix, BytesCrossBothWays) {
    auto [a, b] = pair();
    std::string sent = "hello", room(16, '.');
    const segue_iov to = iov(room), from = iov(sent);
    std::vector<UniqueFd> fds;
    EXPECT_EQ(b.read({&to, 1}, fds).code(), Code::Again);
    EXPECT_EQ(a.write({&from, 1}).value(), 5u);
    const auto ready = b.ready(Direction::Read);
    pollfd p = {ready.fd, ready.events, 0};
    EXPECT_EQ(ready.events, POLLIN);
    EXPECT_EQ(::poll(&p, 1, 0), 1);
    EXPECT_EQ(b.read({&to, 1}, fds).value(), 5u);
    EXPECT_EQ(room.substr(0, 5), "hello");
    EXPECT_EQ(b.write({&from, 1}).value(), 5u);
    EXPECT_EQ(a.read({&to, 1}, fds).value(), 5u);
}

TEST_F(Unix, DescriptorsArriveWithTheirBytes) {
    auto [a, b] = pair();
    std::vector<UniqueFd> files;
    std::vector<int> raw;
    for (unsigned i = 0; i < SEGUE_TRANSPORT_MAX_FDS; ++i) {
        files.push_back(sys::event(i).value());
        raw.push_back(files.back().get());
    }
    std::string byte = "x", room(4, '.');
    const segue_iov from = iov(byte), to = iov(room);
    ASSERT_EQ(a.write({&from, 1}, raw).value(), 1u);
    std::vector<UniqueFd> came;
    ASSERT_EQ(b.read({&to, 1}, came).value(), 1u);
    ASSERT_EQ(came.size(), SEGUE_TRANSPORT_MAX_FDS);
    std::uint64_t count = 0;
    ASSERT_EQ(::read(came[7].get(), &count, sizeof count), 8);
    EXPECT_EQ(count, 7u);
    EXPECT_NE(::fcntl(came[0].get(), F_GETFD) & FD_CLOEXEC, 0);
    raw.push_back(raw[0]);
    EXPECT_EQ(a.write({&from, 1}, raw).code(), Code::Invalid);
}

TEST_F(Unix, AFullBufferSaysAgainAndTheEndSaysClosed) {
    auto [a, b] = pair();
    std::string block(1 << 16, 'b');
    const segue_iov from = iov(block);
    std::uint64_t sent = 0;
    for (;;) {
        auto n = a.write({&from, 1});
        if (!n) {
            EXPECT_EQ(n.code(), Code::Again);
            break;
        }
        sent += *n;
    }
    EXPECT_TRUE(a.finish(SEGUE_FINISH_END));
    std::uint64_t got = 0;
    std::vector<UniqueFd> fds;
    for (;;) {
        auto n = b.read({&from, 1}, fds);
        if (!n) {
            EXPECT_EQ(n.code(), Code::Closed);
            break;
        }
        got += *n;
    }
    EXPECT_EQ(got, sent);
    a.release();
    EXPECT_EQ(b.write({&from, 1}).code(), Code::Closed);
}

TEST_F(Unix, NobodyThereIsNoError) {
    auto t = transport(path_);
    Channel c;
    EXPECT_EQ(t.connect(c).code(), Code::Again);
    EXPECT_FALSE(c);
    auto listener = t.listen();
    ASSERT_TRUE(listener);
    EXPECT_EQ(listener->accept().code(), Code::Again);
}

TEST_F(Unix, ALiveSocketIsLeftAloneByName) {
    auto first = transport(path_), second = transport(path_);
    auto listener = first.listen();
    ASSERT_TRUE(listener);
    const auto refused = second.listen();
    ASSERT_EQ(refused.code(), Code::Exists);
    EXPECT_NE(refused.error().what().find(path_), std::string::npos);
    EXPECT_FALSE(refused.error().way_out().empty());
    EXPECT_EQ(refused.error().detail("plugin"), "transport/unix");
    Channel c;
    EXPECT_TRUE(first.connect(c)) << "the listener still listens";
}

TEST_F(Unix, AStaleSocketIsReplacedAndAnyOtherFileIsNot) {
    {
        auto fd = sys::unix_socket();
        auto address = sys::unix_address(path_);
        ASSERT_EQ(::bind(fd->get(), address->get(), address->size), 0);
        ASSERT_EQ(::listen(fd->get(), 1), 0);
    }
    ASSERT_TRUE(std::filesystem::exists(path_)) << "what a killed process leaves behind";
    auto t = transport(path_);
    {
        auto listener = t.listen();
        ASSERT_TRUE(listener) << listener.error().what();
        struct stat s = {};
        ASSERT_EQ(::stat(path_.c_str(), &s), 0);
        EXPECT_EQ(s.st_mode & 0777, 0600u);
    }
    EXPECT_FALSE(std::filesystem::exists(path_)) << "removed by the listener's end";
    std::fclose(std::fopen(path_.c_str(), "w"));
    EXPECT_EQ(t.listen().code(), Code::Exists);
    EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(Unix, ASuccessorsSocketIsNotRemoved) {
    auto t = transport(path_);
    auto listener = t.listen();
    ASSERT_TRUE(listener);
    std::filesystem::rename(path_, path_ + ".old"); // another one took the name meanwhile
    std::fclose(std::fopen(path_.c_str(), "w"));
    listener->release();
    EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(Unix, AnAbstractNameIsNoFile) {
    const auto abstract = [this] {
        auto t =
            plugins_.make<Transport>("transport/unix", {{"path", path_}, {"abstract", "true"}});
        EXPECT_TRUE(t) << t.error().what();
        return std::move(*t);
    };
    auto out = abstract(), in = abstract(), file = transport(path_);
    EXPECT_TRUE(out.check());
    Channel c;
    EXPECT_EQ(out.connect(c).code(), Code::Again);
    auto listener = in.listen();
    ASSERT_TRUE(listener) << listener.error().what();
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_EQ(file.connect(c).code(), Code::Again) << "another address";
    const auto second = abstract().listen();
    ASSERT_EQ(second.code(), Code::Exists);
    EXPECT_NE(second.error().what().find(path_), std::string::npos);
    ASSERT_TRUE(out.connect(c));
    EXPECT_TRUE(listener->accept());
    listener->release();
    EXPECT_TRUE(abstract().listen()) << "nothing is left of it";
}

TEST_F(Unix, PathsThatCannotBeAreRefusedBeforehand) {
    EXPECT_EQ(transport(dir_ / std::string(120, 'x')).check().code(), Code::Invalid);
    EXPECT_EQ(transport(dir_ / "none/update.sock").check().code(), Code::NotFound);
    EXPECT_TRUE(transport(path_).check());
    const auto none = plugins_.make<Transport>("transport/unix");
    ASSERT_FALSE(none);
    EXPECT_NE(none.error().what().find("path"), std::string::npos);
}

// What another user does, in a child: `act` gives its exit code, and the child lives until the
// parent hangs up.
class OtherUser {
public:
    template <class Act>
    explicit OtherUser(Act act) {
        int pair[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        UniqueFd mine(pair[0]), theirs(pair[1]);
        pid_ = ::fork();
        if (pid_ == 0) {
            mine = UniqueFd();
            char done = ::setresuid(65534, 65534, 65534) == 0 && act() ? 'y' : 'n';
            (void)!::write(theirs.get(), &done, 1);
            (void)!::read(theirs.get(), &done, 1);
            ::_exit(0);
        }
        parent_ = std::move(mine);
        theirs = UniqueFd();
        EXPECT_EQ(::read(parent_.get(), &done_, 1), 1);
    }
    ~OtherUser() {
        parent_ = UniqueFd();
        ::waitpid(pid_, nullptr, 0);
    }
    bool did() const { return done_ == 'y'; }

private:
    pid_t pid_ = -1;
    UniqueFd parent_;
    char done_ = 0;
};

class UnixUsers : public Unix {
protected:
    UnixUsers() { EXPECT_EQ(::chmod(dir_.path().c_str(), 0777), 0); }
    sys::UnixAddress address_ = sys::unix_address(path_).value();
};

// Though somebody opened the folder and the socket to all.
TEST_F(UnixUsers, ACallerOfAnotherUserIsTurnedAway) {
    auto t = transport(path_);
    auto listener = t.listen();
    ASSERT_TRUE(listener);
    ASSERT_EQ(::chmod(path_.c_str(), 0666), 0);
    UniqueFd theirs;
    const OtherUser other([&] {
        auto fd = sys::unix_connect(address_);
        if (fd)
            theirs = std::move(*fd);
        return bool(theirs);
    });
    ASSERT_TRUE(other.did());
    EXPECT_EQ(listener->accept().code(), Code::Again) << "nobody who may come is there";
    Channel own;
    ASSERT_TRUE(t.connect(own));
    EXPECT_TRUE(listener->accept()) << "and it does not stand in the way of who may";
}

TEST_F(UnixUsers, AListenerOfAnotherUserIsNotTrusted) {
    UniqueFd theirs;
    const OtherUser other([&] {
        theirs = sys::unix_socket().value();
        return ::bind(theirs.get(), address_.get(), address_.size) == 0 &&
               ::listen(theirs.get(), 1) == 0;
    });
    ASSERT_TRUE(other.did());
    Channel c;
    const Status s = transport(path_).connect(c);
    ASSERT_EQ(s.code(), Code::Refused);
    EXPECT_NE(s.error().what().find("belongs to user 65534"), std::string::npos);
    EXPECT_FALSE(s.error().way_out().empty());
    EXPECT_FALSE(c);
}

} // namespace
} // namespace segue
