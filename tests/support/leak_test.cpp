// SPDX-License-Identifier: Apache-2.0
#include "tests/support/leak.hpp"

#include <unistd.h>

#include <fstream>

#include <gtest/gtest.h>
#include <segue/cpp/sys.hpp>

#include "core/base/spawn.hpp"
#include "core/base/temp_dir.hpp"
#include "core/base/wait.hpp"

namespace segue::test {
namespace {

Holdings mine() {
    return holdings_of(::getpid());
}

TEST(Leak, NothingIsNothing) {
    EXPECT_EQ(difference(mine(), mine()), "");
}

TEST(Leak, DescriptorsAreNamedByWhatTheyAre) {
    const Holdings before = mine();
    const auto ram = sys::memfd("leak-ram", 0);
    ASSERT_TRUE(ram);
    const auto event = sys::event();
    ASSERT_TRUE(event);
    const std::string d = difference(before, mine());
    EXPECT_NE(d.find("fd /memfd:leak-ram (deleted): 0 before, 1 after"), std::string::npos) << d;
    EXPECT_NE(d.find("fd anon_inode:[eventfd]: "), std::string::npos) << d;
}

TEST(Leak, AThreadAndADeadChildAreSeen) {
    const Holdings before = mine();
    const UniqueFd stop = sys::event().value();
    std::thread thread([&] { (void)Waiter{}.until(stop.get(), POLLIN).ok(); });
    ::pthread_setname_np(thread.native_handle(), "leaky");
    const auto child = spawn({{"/bin/true"}, "", {}, false});
    ASSERT_TRUE(child);
    EXPECT_TRUE(Waiter{Deadline::in(std::chrono::seconds(10))}.until(child->pidfd.get(), POLLIN));
    const std::string d = difference(before, mine());
    EXPECT_NE(d.find("thread leaky: 0 before, 1 after"), std::string::npos) << d;
    EXPECT_NE(d.find("child true: 0 before, 1 after"), std::string::npos) << d;
    sys::signal_event(stop.get());
    thread.join();
    (void)wait_exit(*child, Deadline::in(std::chrono::seconds(10))).ok();
    EXPECT_EQ(mine().count("child true"), 0u);
}

TEST(Leak, FilesAreNamedBelowTheRoot) {
    const TempDir dir;
    const Holdings before = files_below(dir.path(), {"run"});
    ASSERT_EQ(::mkdir((dir / "run").c_str(), 0700), 0);
    std::ofstream(dir / "run/x.sock");
    EXPECT_EQ(difference(before, files_below(dir.path(), {"run"})),
              "file run/x.sock: 0 before, 1 after\n");
}

TEST(Leak, WhatIsMissingAfterwardsIsADifferenceToo) {
    EXPECT_EQ(difference({{"fd socket", 3}}, {{"fd socket", 2}}), "fd socket: 3 before, 2 after\n");
}

} // namespace
} // namespace segue::test
