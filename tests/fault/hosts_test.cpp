// SPDX-License-Identifier: Apache-2.0
// hosts_test.cpp - a guest goes to another host over a network that delays, loses and breaks: at
// no step of the switch-over are there two that run it.
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <segue/cpp/sys.hpp>

#include "core/base/wait.hpp"
#include "tests/fault/barriers.hpp"
#include "tests/fault/cable.hpp"
#include "tests/support/guest.hpp"

namespace segue::fault {
namespace {

using report::RunState;
using report::SwitchOver;
using report::UpdateStatus;

Deadline patience() {
    return Deadline::in(std::chrono::seconds(90));
}

class Hosts : public testing::Test {
protected:
    static std::string address() { return Cable::address(Host::B) + ":4444"; }
    static test::GuestSpec spec() {
        test::GuestSpec s;
        s.vmm = FAULT_VMM;
        s.kernel = METRONOME_ELF;
        s.modes = {"precopy"};
        s.vcpus = 2;
        s.mode_options = "converge = 'switch', max_rounds = 5";
        s.handover = "20s"; // until it is given away
        s.data = "transport = 'unix'";
        // A broken connection is noticed after three times that.
        s.hosts = "transport = 'tcp', options = { address = '" + address() + "', keepalive = 1 }";
        return s;
    }
    explicit Hosts(const test::GuestSpec& s = spec())
        : a_(s)
        , b_(s) {}
    void SetUp() override {
        auto cable = Cable::lay();
        ASSERT_TRUE(cable) << cable.error().what();
        cable_ = std::move(*cable);
        barriers_ = std::make_unique<Barriers>(a_ / "edges");
        ::setenv(kBarrierVariable, barriers_->path().c_str(), 1);
        Status up, waits;
        cable_->on(Host::A, [&] { up = a_.start(); });
        ASSERT_TRUE(up) << up.error().what();
        cable_->on(Host::B, [&] { waits = b_.start_incoming("tcp:" + address()); });
        ASSERT_TRUE(waits) << waits.error().what();
        EXPECT_EQ(state(b_), RunState::Inmigrate);
    }
    std::string boot_of(Host host) const {
        std::string id;
        cable_->on(host,
                   [&id] { std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), id); });
        return id;
    }
    static std::optional<RunState> state(const test::Guest& g) {
        const auto vm = g.client().vm();
        return vm ? std::optional(vm->state) : std::nullopt;
    }
    void begin() {
        control::UpdateRequest request;
        request.channel = "tcp:" + address();
        const auto record = a_.client().start_update(request);
        ASSERT_TRUE(record) << record.error().what();
        id_ = record->id;
    }
    void begin_until(const Edge& edge) {
        barriers_->hold(edge);
        ASSERT_NO_FATAL_FAILURE(begin());
        ASSERT_TRUE(barriers_->reached(edge, patience()));
    }
    // What is written down of the update on that host, last.
    report::UpdateRecord written(const test::Guest& g) const {
        for (const auto& r : g.journal())
            if (r.id == id_)
                return r;
        return {};
    }
    template <class Condition>
    static bool comes_true(Condition condition) {
        for (const Deadline limit = patience(); !limit.passed();
             std::this_thread::sleep_for(std::chrono::milliseconds(5)))
            if (condition())
                return true;
        return false;
    }
    void await_end(const test::Guest& g, UpdateStatus status) {
        ASSERT_TRUE(comes_true([&] { return report::is_final(written(g).status); }));
        EXPECT_STREQ(report::name_of(written(g).status), report::name_of(status))
            << (written(g).error ? written(g).error->what() : "");
    }
    static void kill(test::Guest& g) { ::kill(g.first().pid, SIGKILL); }
    static bool gone(const test::Guest& g) {
        return bool(Waiter{Deadline::in(std::chrono::milliseconds(0))}.until(g.first().pidfd.get(),
                                                                             POLLIN));
    }

    // The guest of `g` counts and finds all its memory as it was.
    static void expect_runs(test::Guest& g) {
        ASSERT_TRUE(comes_true([&] { return state(g) == RunState::Running; }));
        ASSERT_TRUE(g.follow());
        const Status verified = g.page().verify(patience());
        EXPECT_TRUE(verified) << verified.error().what();
        EXPECT_EQ(g.page().errors(), "");
        EXPECT_EQ(g.page().boots(), 1u);
    }
    void expect_a_stands_still() {
        const auto before = a_.page().counters();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        EXPECT_EQ(a_.page().counters(), before);
    }
    void expect_only_b_runs() {
        ASSERT_NO_FATAL_FAILURE(expect_runs(b_));
        expect_a_stands_still();
    }
    // B's VMM has ended, and has run nothing.
    void expect_only_a_runs() {
        ASSERT_TRUE(comes_true([&] { return gone(b_); })) << "the other VMM is still there";
        expect_runs(a_);
        EXPECT_NE(written(b_).status, UpdateStatus::Completed);
    }
    void await_doubt(const test::Guest& g, bool both_stand_still = true) {
        ASSERT_TRUE(comes_true([&] {
            const auto r = g.client().update(id_);
            return r && r->switch_over == SwitchOver::InDoubt;
        }));
        if (&g == &a_)
            EXPECT_EQ(state(g), RunState::Postmigrate);
        else
            EXPECT_EQ(state(g), RunState::Inmigrate);
        if (both_stand_still)
            expect_a_stands_still();
    }
    static void resolve(const test::Guest& g, bool here) {
        const Status s = g.client().resolve(here);
        EXPECT_TRUE(s) << s.error().what();
    }

    test::Guest a_, b_;
    std::unique_ptr<Cable> cable_;
    std::unique_ptr<Barriers> barriers_;
    std::string id_;
};

TEST_F(Hosts, AGuestGoesToTheOtherHost) {
    EXPECT_NE(boot_of(Host::A), boot_of(Host::B));
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_TRUE(comes_true([&] { return gone(a_); }));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    ASSERT_NO_FATAL_FAILURE(await_end(b_, UpdateStatus::Completed));
    EXPECT_GT(written(b_).blackout.count(), 0);
    EXPECT_EQ(written(a_).switch_over, SwitchOver::Relinquished);
    EXPECT_EQ(b_.client().vm()->generation, 2u);
    EXPECT_EQ(b_.client().resolve(true).code(), Code::Refused);
}

TEST_F(Hosts, OverANetworkThatDelaysAndLoses) {
    cable_->delay(std::chrono::milliseconds(5));
    cable_->lose(1);
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    EXPECT_GT(cable_->lost(), 0u);
}

// Before the guest is given away: it goes on where it is, and who has loaded it hears that.
TEST_F(Hosts, CutBeforeItIsGivenAwayItStays) {
    barriers_->hold("new commit");
    ASSERT_NO_FATAL_FAILURE(begin_until("old commit"));
    ASSERT_TRUE(barriers_->reached("new commit", patience()));
    cable_->cut();
    barriers_->release("new commit");
    barriers_->release("old commit");
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    ASSERT_NO_FATAL_FAILURE(expect_runs(a_));
    ASSERT_NO_FATAL_FAILURE(await_doubt(b_, false));
    resolve(b_, false);
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
    EXPECT_EQ(written(b_).switch_over, SwitchOver::ResolvedThere);
}

// RUN is lost: nobody runs it until both hosts see each other again.
TEST_F(Hosts, CutBeforeRunItIsInDoubtUntilMended) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    cable_->cut();
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    ASSERT_NO_FATAL_FAILURE(await_doubt(b_));
    EXPECT_EQ(a_.client().cancel_update().code(), Code::Refused) << "too late";
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
}

// RUN came through, RUNNING did not.
TEST_F(Hosts, CutBeforeRunningItIsInDoubtWhereItWasAndRunsThere) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    cable_->cut_from(Host::B);
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    EXPECT_EQ(b_.client().resolve(false).code(), Code::Refused) << "it runs there";
    EXPECT_EQ(state(a_), RunState::Postmigrate);
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
}

TEST_F(Hosts, AnOperatorSaysOnBothSidesThatItIsThere) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    cable_->cut();
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    ASSERT_NO_FATAL_FAILURE(await_doubt(b_));
    resolve(a_, false);
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    EXPECT_EQ(written(a_).switch_over, SwitchOver::ResolvedThere);
    resolve(b_, true);
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    EXPECT_EQ(written(b_).switch_over, SwitchOver::ResolvedHere);
}

TEST_F(Hosts, AnOperatorSaysOnBothSidesThatItIsHere) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    cable_->cut();
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    ASSERT_NO_FATAL_FAILURE(await_doubt(b_));
    resolve(b_, false);
    ASSERT_TRUE(comes_true([&] { return gone(b_); }));
    resolve(a_, true);
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Cancelled));
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
}

TEST_F(Hosts, TheOldVmmIsKilledAfterItGaveTheGuestAway) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    kill(a_);
    ASSERT_NO_FATAL_FAILURE(await_doubt(b_));
    EXPECT_EQ(written(a_).switch_over, SwitchOver::Relinquished) << "durable";
    resolve(b_, true);
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
}

TEST_F(Hosts, TheNewVmmIsKilledBeforeTheGuestIsGivenAway) {
    barriers_->hold("new commit");
    ASSERT_NO_FATAL_FAILURE(begin_until("old commit"));
    ASSERT_TRUE(barriers_->reached("new commit", patience()));
    kill(b_);
    barriers_->release("old commit");
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
}

TEST_F(Hosts, TheNewVmmIsKilledAfterTheGuestIsGivenAway) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    kill(b_);
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    resolve(a_, true);
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Cancelled));
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
}

struct SharedStorage {
    SharedStorage() {
        const auto fd = sys::open(disk, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        EXPECT_TRUE(fd && sys::truncate(fd->get(), 1 << 20));
    }
    TempDir storage;
    std::string disk = storage / "disk.raw";
};

// Its disk lies on storage that both see.
class HostsWithADisk : protected SharedStorage, public Hosts {
protected:
    HostsWithADisk()
        : Hosts(with_disk(disk)) {}
    static test::GuestSpec with_disk(const std::string& path) {
        test::GuestSpec s = spec();
        s.memory = "[[device]]\nid = \"disk0\"\nmodel = \"virtio-blk\"\noptions = { path = \"" +
                   path + "\", shared = true }";
        return s;
    }
    bool is_locked() const {
        const auto fd = sys::open(disk, O_RDWR);
        struct flock l = {};
        l.l_type = F_WRLCK;
        l.l_whence = SEEK_SET;
        EXPECT_EQ(::fcntl(fd->get(), F_OFD_GETLK, &l), 0);
        return l.l_type != F_UNLCK;
    }
};

TEST_F(HostsWithADisk, TheLockGoesWithTheGuest) {
    EXPECT_TRUE(is_locked());
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    EXPECT_TRUE(is_locked()) << "not before it is written down";
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    ASSERT_TRUE(comes_true([&] { return gone(a_); }));
    EXPECT_TRUE(is_locked()) << "by the new one";
}

TEST_F(HostsWithADisk, AfterAFailureItIsBack) {
    barriers_->hold("new commit");
    ASSERT_NO_FATAL_FAILURE(begin());
    ASSERT_TRUE(barriers_->reached("new commit", patience()));
    kill(b_);
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Failed));
    ASSERT_NO_FATAL_FAILURE(expect_only_a_runs());
    EXPECT_TRUE(is_locked());
}

// An operator who is wrong: the guest runs on the other host, and has its disk locked.
TEST_F(HostsWithADisk, HereIsNotBelievedWhereTheOtherHostHasTheLock) {
    ASSERT_NO_FATAL_FAILURE(begin_until("old relinquished"));
    cable_->cut_from(Host::B);
    barriers_->release("old relinquished");
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    resolve(a_, true);
    ASSERT_TRUE(comes_true([&] { return a_.log().find("has it locked") != std::string::npos; }));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
    ASSERT_NO_FATAL_FAILURE(await_doubt(a_));
    cable_->mend();
    ASSERT_NO_FATAL_FAILURE(await_end(a_, UpdateStatus::Completed));
    ASSERT_NO_FATAL_FAILURE(expect_only_b_runs());
}

TEST_F(Hosts, WhatLeadsNowhereIsRefused) {
    control::UpdateRequest request;
    request.channel = "exec:true";
    const auto verdict = a_.client().preflight(request);
    ASSERT_TRUE(verdict);
    ASSERT_FALSE(verdict->blockers.empty());
    EXPECT_FALSE(verdict->blockers.front().way_out().empty());
}

} // namespace
} // namespace segue::fault
