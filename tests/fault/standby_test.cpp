// SPDX-License-Identifier: Apache-2.0
// standby_test.cpp - cpr-transfer: somebody else started the new VMM, or only its socket is left.
// In the other modes nobody can: the successor is this process, or a start of its own.
#include <csignal>
#include <filesystem>
#include <thread>

#include <segue/cpp/socket.hpp>

#include "core/base/unix_socket.hpp"
#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

class Standby : public FaultTest {
protected:
    void start_standby() {
        auto child = guest_->start_vmm({"--incoming"});
        ASSERT_TRUE(child) << child.error().what();
        standby_ = std::move(*child);
        const auto address = sys::unix_address(guest_->places().standby_socket()).value();
        for (const Deadline limit = patience(); !sys::unix_connect(address);) {
            ASSERT_FALSE(limit.passed()) << "the standby does not listen";
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }
    Child standby_;
};

TEST_F(Standby, ALiveOneGetsTheGuest) {
    boot(kTransfer);
    start_standby();
    update();
    EXPECT_EQ(over().to_pid, standby_.pid);
    expect_moved();
}

TEST_F(Standby, ASecondOneIsRefused) {
    boot(kTransfer);
    start_standby();
    const auto second = guest_->start_vmm({"--incoming"});
    ASSERT_TRUE(second);
    const auto exit = wait_exit(*second, patience());
    ASSERT_TRUE(exit);
    EXPECT_EQ(exit->code, 1);
    EXPECT_THAT(guest_->log(), testing::HasSubstr("a standby waits at"));
    update();
    expect_moved();
}

TEST_F(Standby, AStaleSocketStandsInNobodysWay) {
    boot(kTransfer);
    const std::string path = guest_->places().standby_socket();
    { const UniqueFd listener = listen_unix(path, 0600).value(); }
    ASSERT_TRUE(std::filesystem::exists(path));
    update();
    EXPECT_EQ(over().status, report::UpdateStatus::Completed);
    std::filesystem::remove(path);
    expect_moved();
}

TEST_F(Standby, OneThatHangsIsEnded) {
    test::GuestSpec spec = spec_of(kTransfer);
    spec.prepare = "1s";
    boot(kTransfer, spec);
    start_standby();
    ASSERT_EQ(::kill(standby_.pid, SIGSTOP), 0);
    update();
    EXPECT_EQ(over().status, report::UpdateStatus::Failed);
    ASSERT_TRUE(wait_exit(standby_, patience()));
    std::filesystem::remove(guest_->places().standby_socket());
    expect_refused({Code::Deadline, "prepare", "standby", "standby.sock"});
}

TEST_F(Standby, OneThatIsKilledIsNamed) {
    boot(kTransfer);
    start_standby();
    update_until("new prepare");
    kill(standby_.pid);
    ASSERT_TRUE(wait_exit(standby_, patience()));
    expect_refused({Code::Refused, "prepare", "standby", "standby.sock"});
}

} // namespace
} // namespace segue::fault
