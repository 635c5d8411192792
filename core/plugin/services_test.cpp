// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/services.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "core/plugin/host.hpp"

namespace segue::plugin {
namespace {

using namespace std::chrono_literals;

TEST(Host, LooksInItselfFirstAndInItsParentThen) {
    const int one = 1, two = 2, own = 3;
    Host parent;
    parent.add("a", &one);
    parent.add("b", &two);
    Host host(&parent);
    host.add("b", &own);
    const segue_host* abi = host.abi();
    EXPECT_EQ(abi->service(abi->h, "a"), &one);
    EXPECT_EQ(abi->service(abi->h, "b"), &own);
    EXPECT_EQ(abi->service(abi->h, "c"), nullptr);
    EXPECT_EQ(abi->service(abi->h, nullptr), nullptr);
    EXPECT_TRUE(check_needs("x/y", {"a", "b"}, host));
    const char* const given[] = {"c"};
    EXPECT_TRUE(check_needs("x/y", {"c"}, host, given));
    EXPECT_EQ(check_needs("x/y", {"a", "c"}, host).error().detail("service"), "c");
}

TEST(Threads, RunUnderTheirNamesAndAreJoined) {
    ThreadsService threads;
    std::atomic<int> ran = 0;
    segue_error e = {};
    const auto run = [](void* arg) {
        char name[16] = {};
        ::pthread_getname_np(::pthread_self(), name, sizeof name);
        *static_cast<std::atomic<int>*>(arg) += std::string(name) == "sender" ? 1 : 100;
    };
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(threads.table()->start(threads.table()->h, "sender", run, &ran, &e), SEGUE_OK);
    EXPECT_TRUE(threads.join(Deadline::in(60s)));
    EXPECT_EQ(ran, 3);
    EXPECT_EQ(threads.table()->start(threads.table()->h, "a name too long to keep", run, &ran, &e),
              SEGUE_INVALID);
}

TEST(Threads, OneThatDoesNotEndIsNamed) {
    ThreadsService threads;
    std::atomic<bool> stop = false;
    const auto run = [](void* arg) { static_cast<std::atomic<bool>*>(arg)->wait(false); };
    ASSERT_EQ(threads.table()->start(threads.table()->h, "stuck", run, &stop, nullptr), SEGUE_OK);
    const Status late = threads.join(Deadline::in(1ms));
    EXPECT_EQ(late.code(), Code::Deadline);
    EXPECT_EQ(late.error().detail("thread"), "stuck");
    stop = true;
    stop.notify_all();
    EXPECT_TRUE(threads.join(Deadline::in(60s)));
}

} // namespace
} // namespace segue::plugin
