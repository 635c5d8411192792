// SPDX-License-Identifier: Apache-2.0
// The out-of-tree transport, built against the installed SDK, in use.
#include <gtest/gtest.h>

#include <unistd.h>

#include <segue/cpp/sys.hpp>

#include "tests/support/open_plugins.hpp"

namespace segue {
namespace {

using plugin::Channel;
using plugin::Transport;

TEST(SdkTemplate, CarriesBytesAndADescriptor) {
    test::OpenPlugins plugins({SEGUE_TEMPLATE_BUILD "/lib/segue/plugins"});
    const auto options = test::OpenPlugins::Options{{"name", "test." + std::to_string(::getpid())}};
    auto in = plugins.make<Transport>("transport/acme-abstract", options);
    ASSERT_TRUE(in) << in.error().what();
    EXPECT_EQ(plugins.registry().find("acme-abstract").value().version, "1.0.0");
    auto out = plugins.make<Transport>("transport/acme-abstract", options);
    Channel a;
    EXPECT_EQ(out->connect(a).code(), Code::Again) << "nobody listens yet";
    auto listener = in->listen();
    ASSERT_TRUE(listener) << listener.error().what();
    EXPECT_EQ(out->listen().code(), Code::Exists);
    ASSERT_TRUE(out->connect(a));
    auto b = listener->accept();
    ASSERT_TRUE(b) << b.error().what();

    const auto event = sys::event(9);
    const int fds[] = {event->get()};
    char text[] = "state", room[16] = {};
    const segue_iov from = {text, 5}, to = {room, sizeof room};
    EXPECT_EQ(a.write({&from, 1}, fds).value(), 5u);
    std::vector<UniqueFd> came;
    EXPECT_EQ(b->read({&to, 1}, came).value(), 5u);
    EXPECT_STREQ(room, "state");
    ASSERT_EQ(came.size(), 1u);
    std::uint64_t count = 0;
    ASSERT_EQ(::read(came[0].get(), &count, sizeof count), 8);
    EXPECT_EQ(count, 9u);
}

} // namespace
} // namespace segue
