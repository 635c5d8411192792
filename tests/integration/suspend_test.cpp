// SPDX-License-Identifier: Apache-2.0
// suspend_test.cpp - a guest that sleeps (ACPI S3): by every mode, until somebody wakes it; and who
// is connected to its agent's port meanwhile.
#include <poll.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "core/base/unix_socket.hpp"
#include "tests/integration/update_test.hpp"

namespace segue::integration {
namespace {

using namespace std::chrono_literals;
using report::RunState;

class Suspend : public UpdateTest, public testing::WithParamInterface<const char*> {
protected:
    static test::GuestSpec spec() {
        test::GuestSpec s = spec_for(GetParam());
        s.vcpus = 2;
        return s;
    }
    void SetUp() override { boot(spec()); }
    void fall_asleep() {
        ASSERT_TRUE(guest_->type('s'));
        ASSERT_TRUE(comes_true([&] { return vm().state == RunState::Suspended; }));
        vm_ = vm();
    }
    // In the memory that it has now.
    void expect_awake(std::uint64_t times) {
        EXPECT_TRUE(comes_true([&] { return vm().state == RunState::Running; }));
        const auto page = test::GuestPage::open(vm().ram.at(0), patience());
        ASSERT_TRUE(page) << page.error().what();
        EXPECT_TRUE(comes_true([&] { return page->wakes() == times; }));
        EXPECT_EQ(page->boots(), 1u);
        const Status verified = page->verify(patience());
        EXPECT_TRUE(verified) << verified.error().what();
        EXPECT_EQ(page->errors(), "");
    }
    Code wakeup() const { return guest_->client().wakeup().code(); }
};

INSTANTIATE_TEST_SUITE_P(Modes, Suspend, every_mode(), mode_name);

TEST_P(Suspend, StaysAsleepThroughUpdatesUntilItIsWoken) {
    EXPECT_EQ(wakeup(), Code::Refused) << "it is running";
    ASSERT_NO_FATAL_FAILURE(fall_asleep());
    const auto counters = guest_->page().counters();
    ASSERT_NO_FATAL_FAILURE(move());
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(vm_.state, RunState::Suspended);
    EXPECT_EQ(guest_->page().counters(), counters);
    EXPECT_TRUE(guest_->client().resume()) << "of no effect";
    EXPECT_EQ(vm().state, RunState::Suspended);
    ASSERT_EQ(wakeup(), Code::Ok);
    EXPECT_EQ(wakeup(), Code::Refused) << "once";
    expect_awake(1);
}

TEST_P(Suspend, PausedBesidesItIsBothAfterAnUpdate) {
    ASSERT_NO_FATAL_FAILURE(fall_asleep());
    ASSERT_TRUE(guest_->client().pause());
    vm_ = vm();
    EXPECT_EQ(vm_.state, RunState::Paused);
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(wakeup(), Code::Refused) << "it is paused";
    ASSERT_TRUE(guest_->client().resume());
    EXPECT_EQ(vm().state, RunState::Suspended);
    ASSERT_TRUE(guest_->client().shutdown()) << "its power button";
    expect_awake(1);
}

// Whatever the moment: refused while the update has the guest, else done, and done once.
TEST_P(Suspend, AWakeUpInAnUpdateIsRefusedOrDone) {
    ASSERT_NO_FATAL_FAILURE(fall_asleep());
    std::atomic<bool> over = false;
    int done = 0, refused = 0, other = 0;
    std::thread waker([&] {
        while (done == 0 && !(over && other > 0)) {
            const Code code = wakeup();
            done += code == Code::Ok ? 1 : 0;
            refused += code == Code::Exists ? 1 : 0;
            other += code != Code::Ok && code != Code::Exists ? 1 : 0;
        }
    });
    const auto record = update();
    over = true;
    waker.join();
    EXPECT_EQ(done, 1) << "refused " << refused << ", other " << other;
    if (record.status == report::UpdateStatus::Completed || record.error)
        expect_awake(1);
}

TEST_P(Suspend, FallingAsleepInAnUpdateDoesNotHinderIt) {
    ASSERT_TRUE(guest_->type('s'));
    const auto record = update();
    EXPECT_EQ(record.status, report::UpdateStatus::Completed)
        << (record.error ? record.error->what() : "");
    ASSERT_TRUE(comes_true([&] { return vm().state == RunState::Suspended; }));
    ASSERT_EQ(wakeup(), Code::Ok);
    expect_awake(1);
}

// A client of the agent's port, whose guest has no driver for it.
class AgentPort : public Suspend {
protected:
    void SetUp() override {
        test::GuestSpec s = spec();
        socket_ = folder_ / "agent.sock";
        s.memory = "[[device]]\nid = 'agent0'\nmodel = 'virtio-console'\noptions = { port = "
                   "'org.qemu.guest_agent.0', socket = '" +
                   socket_ + "' }";
        boot(s);
    }
    UniqueFd connect() const { return connect_unix(socket_, patience()).value(); }
    static bool hung_up(const UniqueFd& client, std::chrono::milliseconds within) {
        pollfd p = {client.get(), POLLIN, 0};
        return ::poll(&p, 1, static_cast<int>(within.count())) == 1 && (p.revents & POLLHUP) != 0;
    }
    TempDir folder_;
    std::string socket_;
};

INSTANTIATE_TEST_SUITE_P(Modes, AgentPort, every_mode(), mode_name);

TEST_P(AgentPort, IsTheSameClientsAfterAnUpdate) {
    EXPECT_EQ(vm_.agent, socket_);
    const UniqueFd client = connect();
    ASSERT_TRUE(hung_up(connect(), 10s)) << "one at a time";
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_FALSE(hung_up(client, 0ms));
    EXPECT_TRUE(hung_up(connect(), 10s)) << "the new VMM does not know that there is one";
    ASSERT_TRUE(guest_->client().quit());
    EXPECT_TRUE(comes_true([&] { return !std::filesystem::exists(socket_); }));
}

} // namespace
} // namespace segue::integration
