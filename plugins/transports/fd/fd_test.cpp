// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <segue/cpp/sys.hpp>

#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

using plugin::Channel;
using plugin::Transport;
using testing::HasSubstr;

// A pair as somebody leaves it open for two processes that he starts.
class Fd : public testing::Test {
protected:
    Fd() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds_), 0); }
    ~Fd() override { // those that a test did not use
        for (const int fd : fds_)
            if ((::fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
                ::close(fd);
    }
    Transport transport(const std::string& option, int fd) {
        auto t = plugins_.make<Transport>("transport/fd", {{option, std::to_string(fd)}});
        EXPECT_TRUE(t) << t.error().what();
        return std::move(*t);
    }
    std::string said(int fd) {
        const Status s = transport("out", fd).check();
        EXPECT_EQ(s.code(), Code::Invalid);
        EXPECT_FALSE(s.error().way_out().empty());
        return s.error().what();
    }

    int fds_[2] = {-1, -1};
    test::OpenPlugins plugins_;
};

TEST_F(Fd, TheEndsMeetAndDescriptorsCross) {
    auto out = transport("out", fds_[0]), in = transport("in", fds_[1]);
    ASSERT_TRUE(out.check());
    Channel a;
    EXPECT_EQ(out.connect(a).code(), Code::Again) << "nobody listens";
    auto listener = in.listen();
    ASSERT_TRUE(listener) << listener.error().what();
    EXPECT_EQ(listener->accept().code(), Code::Again) << "nobody connects";
    ASSERT_TRUE(out.connect(a));
    auto b = listener->accept();
    ASSERT_TRUE(b) << b.error().what();
    std::string sent = "x", room(4, '.');
    const segue_iov from{sent.data(), 1}, to{room.data(), 4};
    const UniqueFd event = sys::event(7).value();
    ASSERT_EQ(a.write({&from, 1}, std::vector<int>{event.get()}).value(), 1u);
    std::vector<UniqueFd> came;
    ASSERT_EQ(b->read({&to, 1}, came).value(), 1u);
    EXPECT_EQ(room, "x...");
    ASSERT_EQ(came.size(), 1u);
    std::uint64_t count = 0;
    EXPECT_EQ(::read(came[0].get(), &count, sizeof count), 8);
    EXPECT_EQ(count, 7u);
}

TEST_F(Fd, ItIsUsedUp) {
    auto out = transport("out", fds_[0]), in = transport("in", fds_[1]);
    auto listener = in.listen();
    Channel a;
    ASSERT_TRUE(out.connect(a));
    EXPECT_THAT(said(fds_[0]), HasSubstr("is not open, or an update has used it up"));
    EXPECT_EQ(in.listen().code(), Code::Invalid);
}

TEST_F(Fd, AnOtherEndThatEndsIsTold) {
    auto out = transport("out", fds_[0]);
    Channel a;
    ::close(fds_[1]);
    fds_[1] = fds_[0];
    EXPECT_EQ(out.connect(a).code(), Code::Closed);
}

TEST_F(Fd, AnOtherEndThatGreetsOtherwiseIsTold) {
    auto out = transport("out", fds_[0]), too = transport("out", fds_[1]);
    ASSERT_EQ(::send(fds_[1], "HTTP", 4, 0), 4);
    Channel a;
    const Status s = out.connect(a);
    ASSERT_EQ(s.code(), Code::Io);
    EXPECT_THAT(s.error().way_out(), HasSubstr("'in' there"));
}

TEST_F(Fd, WhatItIsNotIsNamed) {
    EXPECT_THAT(said(0), HasSubstr("'out' is not set"));
    const UniqueFd own = sys::event().value();
    EXPECT_THAT(said(own.get()), HasSubstr("is one of this process's own"));
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const UniqueFd read(pipe[0]), write(pipe[1]);
    EXPECT_THAT(said(pipe[0]), HasSubstr("is no unix stream socket"));
    const UniqueFd alone(::socket(AF_UNIX, SOCK_STREAM, 0));
    EXPECT_THAT(said(alone.get()), HasSubstr("is not connected"));
    EXPECT_THAT(said(1 << 20), HasSubstr("is not open"));
    EXPECT_NE(::fcntl(own.get(), F_GETFD), -1) << "and is left alone";
}

} // namespace
} // namespace segue
