// SPDX-License-Identifier: Apache-2.0
// running_test.cpp - what goes on around an update: a standby of somebody else's.
#include <unistd.h>

#include <thread>

#include <segue/cpp/socket.hpp>
#include <segue/cpp/sys.hpp>

#include "tests/integration/update_test.hpp"
#include "tests/support/threads.hpp"

namespace segue::integration {
namespace {

using namespace std::chrono_literals;

class Attach : public UpdateTest {
protected:
    void attach() {
        const auto standby = guest_->start_vmm({"--incoming"});
        ASSERT_TRUE(standby) << standby.error().what();
        const auto address = sys::unix_address(guest_->places().standby_socket());
        ASSERT_TRUE(comes_true([&] { return sys::unix_connect(*address).ok(); })) << guest_->log();
        ASSERT_NO_FATAL_FAILURE(move());
        EXPECT_EQ(vm_.pid, standby->pid);
    }
};

TEST_F(Attach, ToAStandbyThatSomebodyStarted) {
    boot();
    ASSERT_NO_FATAL_FAILURE(attach());
    EXPECT_TRUE(guest_->page().verify(patience()));
    EXPECT_NE(::access(guest_->places().standby_socket().c_str(), F_OK), 0) << "left behind";
}

// It inherits nothing of the old VMM, so it must be told.
TEST_F(Attach, WhatAChildWouldInheritCrosses) {
    boot();
    const auto vcpu = [this] { return test::thread_named(vm_.pid, "vcpu0"); };
    ASSERT_EQ(test::taskset(vcpu(), test::own_cpus().back()), "");
    ASSERT_EQ(test::renice(vcpu(), 6), "");
    ASSERT_EQ(test::set_oom_score(vm_.pid, 137), "");
    const std::string before = test::scheduling_text(vcpu());
    ASSERT_NO_FATAL_FAILURE(attach());
    EXPECT_EQ(test::scheduling_text(vcpu()), before);
    EXPECT_EQ(test::proc_text(vm_.pid, "oom_score_adj"), "137\n");
}

} // namespace
} // namespace segue::integration
