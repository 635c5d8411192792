// SPDX-License-Identifier: Apache-2.0
// hosts_test.hpp - two hosts, a guest on the first that is to go to the second, and what must be
// true of it at each time. Needs root.
#pragma once

#include <poll.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "core/base/wait.hpp"
#include "tests/fault/barriers.hpp"
#include "tests/fault/cable.hpp"
#include "tests/support/guest.hpp"

namespace segue::fault {

using report::RunState;
using report::SwitchOver;
using report::UpdateStatus;

inline Deadline patience() {
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
    static test::GuestSpec postcopy_spec(const std::string& options) {
        test::GuestSpec s = spec();
        s.modes = {"postcopy"};
        s.mode_options = options;
        s.request = "transport = 'unix'";
        return s;
    }
    explicit Hosts(const test::GuestSpec& s = spec())
        : Hosts(s, s, "tcp") {}
    Hosts(const test::GuestSpec& a, const test::GuestSpec& b, const std::string& transport)
        : there_(transport + ":" + address())
        , a_(a)
        , b_(b) {}
    // What the hosts have besides the cable.
    virtual void furnish() {}
    void SetUp() override {
        auto cable = Cable::lay();
        ASSERT_TRUE(cable) << cable.error().what();
        cable_ = std::move(*cable);
        ASSERT_NO_FATAL_FAILURE(furnish());
        barriers_ = std::make_unique<Barriers>(a_ / "edges");
        ::setenv(kBarrierVariable, barriers_->path().c_str(), 1);
        Status up, waits;
        cable_->on(Host::A, [&] { up = a_.start(); });
        ASSERT_TRUE(up) << up.error().what();
        cable_->on(Host::B, [&] { waits = b_.start_incoming(there_); });
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
        request.channel = there_;
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
    static void freeze(test::Guest& g) { ::kill(g.first().pid, SIGSTOP); }
    static void thaw(test::Guest& g) { ::kill(g.first().pid, SIGCONT); }
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

    const std::string there_; // where B waits
    test::Guest a_, b_;
    std::unique_ptr<Cable> cable_;
    std::unique_ptr<Barriers> barriers_;
    std::string id_;
};

} // namespace segue::fault
