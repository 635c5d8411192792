// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/support/open_plugins.hpp"
#include "tests/support/transport_link.hpp"

namespace segue {
namespace {

using plugin::Channel;
using plugin::Listener;
using plugin::Transport;

using test::free_address;
using test::iov;
using test::read;
using test::until_done;

class Tcp : public testing::TestWithParam<bool> {
protected:
    Transport transport(const std::string& address) {
        auto t = plugins_.make<Transport>("transport/tcp", {{"address", address}});
        EXPECT_TRUE(t) << t.error().what();
        return std::move(*t);
    }
    Channel accept(Listener& listener) {
        Channel c;
        const Status s = until_done([&]() -> Status {
            SEGUE_ASSIGN(c, listener.accept());
            return {};
        });
        EXPECT_TRUE(s) << s.error().what();
        return c;
    }
    Status connect(Transport& t, Channel& c) {
        return until_done([&] { return t.connect(c); });
    }
    std::pair<Channel, Channel> pair() {
        EXPECT_TRUE(listener_);
        Channel out;
        const Status s = connect(out_, out);
        EXPECT_TRUE(s) << s.error().what();
        return {std::move(out), accept(*listener_)};
    }
    test::OpenPlugins plugins_;
    std::string address_ = free_address(GetParam());
    Transport in_ = transport(address_), out_ = transport(address_);
    Result<Listener> listener_ = in_.listen();
};

TEST_P(Tcp, BytesCrossBothWaysOnSeveralConnections) {
    auto [a, b] = pair();
    auto [c, d] = pair();
    std::string first = "first", second = "second";
    const segue_iov one = iov(first), two = iov(second);
    EXPECT_EQ(a.write({&one, 1}).value(), 5u);
    EXPECT_EQ(d.write({&two, 1}).value(), 6u);
    EXPECT_EQ(read(b, 5), "first");
    EXPECT_EQ(read(c, 6), "second");
}

TEST_P(Tcp, AHalfCloseIsTheEndAndABrokenConnectionIsClosed) {
    auto link = pair();
    auto &a = link.first, &b = link.second;
    std::string sent = "last", room(8, '.');
    const segue_iov from = iov(sent), to = iov(room);
    ASSERT_TRUE(a.write({&from, 1}));
    EXPECT_TRUE(a.finish(SEGUE_FINISH_END));
    EXPECT_EQ(read(b, 4), "last");
    std::vector<UniqueFd> fds;
    EXPECT_EQ(until_done([&]() -> Status {
                  SEGUE_ASSIGN(const std::uint64_t n, b.read({&to, 1}, fds));
                  return Error(Code::Internal, std::to_string(n) + " bytes after the end");
              }).code(),
              Code::Closed);
    EXPECT_TRUE(b.write({&from, 1})) << "the other direction is open";
    EXPECT_EQ(read(a, 4), "last");
    a.release();
    EXPECT_EQ(until_done([&]() -> Status {
                  auto n = b.write({&from, 1});
                  return n ? Error(Code::Again, "not noticed yet") : std::move(n).error();
              }).code(),
              Code::Closed);
}

TEST_P(Tcp, NobodyThereIsNoErrorUntilTheDeadline) {
    auto t = transport(free_address(GetParam()));
    Channel c;
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(t.connect(c).code(), Code::Again);
    EXPECT_EQ(listener_->accept().code(), Code::Again);
}

TEST_P(Tcp, AnAddressInUseIsNamed) {
    const auto second = out_.listen();
    ASSERT_EQ(second.code(), Code::Io);
    EXPECT_NE(second.error().what().find(address_), std::string::npos) << second.error().what();
    EXPECT_FALSE(second.error().way_out().empty());
}

TEST_P(Tcp, DescriptorsAreRefused) {
    auto [a, b] = pair();
    std::string byte = "x";
    const segue_iov from = iov(byte);
    const int fd = 0;
    EXPECT_EQ(a.write({&from, 1}, {&fd, 1}).code(), Code::Unsupported);
}

INSTANTIATE_TEST_SUITE_P(Versions, Tcp, testing::Bool(),
                         [](const auto& p) { return p.param ? "IPv6" : "IPv4"; });

TEST(TcpAddress, OnlyNumbersAreAddresses) {
    test::OpenPlugins plugins;
    for (const char* bad : {"localhost:4444", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "::1:4444",
                            "[::1]", "[::1:4444", "127.0.0.1:70000", "127.0.0.1:1x", ":4444"}) {
        const auto t = plugins.make<Transport>("transport/tcp", {{"address", bad}});
        ASSERT_EQ(t.code(), Code::Invalid) << bad;
        EXPECT_NE(t.error().what().find(bad), std::string::npos) << t.error().what();
    }
    EXPECT_TRUE(plugins.make<Transport>("transport/tcp", {{"address", "0.0.0.0:4444"}}));
}

} // namespace
} // namespace segue
