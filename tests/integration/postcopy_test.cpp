// SPDX-License-Identifier: Apache-2.0
// postcopy_test.cpp - a guest runs in a new VMM before all of its RAM is there: over each kind of
// memory; what it must not lose, what it may do meanwhile, and who takes it along.
#include <sys/wait.h>

#include <csignal>

#include <segue/cpp/sys.hpp>

#include "core/base/wait.hpp"
#include "tests/integration/copying_test.hpp"

namespace segue::integration {
namespace {

using report::UpdateStatus;
using testing::HasSubstr;

class Postcopy : public CopyingTest {
protected:
    // All of its RAM comes after it.
    static test::GuestSpec spec(const std::string& options = "max_rounds = 0") {
        test::GuestSpec s = spec_for("postcopy");
        s.modes = {"postcopy", "cpr-transfer"};
        s.vcpus = 2;
        s.mode_options = options;
        return s;
    }
    // By postcopy to another RAM, then in place.
    void expect_moves() {
        ASSERT_NO_FATAL_FAILURE(expect_other_ram());
        const report::UpdateRecord r = journal();
        EXPECT_EQ(r.ram_bytes_left, 0u);
        ASSERT_TRUE(r.faults);
        EXPECT_GT(r.faults->faults, 0u) << "nothing was asked for";
        expect_same_ram();
    }

    // A guest that is paused asks for nothing, and what is sent unasked takes minutes: the update
    // stands between its commit and its end. `vm_` is the new VMM then, old_ the one before.
    void begin_slowly() {
        boot(spec("max_rounds = 0, bandwidth_after = '64K'"));
        ASSERT_TRUE(guest_->client().pause());
        old_ = vm_;
        const auto started = guest_->client().start_update({});
        ASSERT_TRUE(started) << started.error().what();
        id_ = started->id;
        ASSERT_TRUE(comes_true([&] { return record().status == UpdateStatus::PostcopyActive; }));
        vm_ = vm();
        ASSERT_NE(vm_.pid, old_.pid);
    }
    report::UpdateRecord record() const {
        const auto r = guest_->client().update(id_);
        return r ? *r : report::UpdateRecord{};
    }
    // It asks for its RAM, so that comes at once.
    void expect_completes() {
        ASSERT_TRUE(guest_->client().resume());
        ASSERT_TRUE(comes_true([&] { return report::is_final(record().status); }));
        EXPECT_EQ(record().status, UpdateStatus::Completed);
        EXPECT_GT(record().faults->faults, 1000u);
        ASSERT_TRUE(guest_->follow());
        expect_unharmed();
        expect_end(old_.pid);
    }
    static void expect_end(pid_t pid) {
        const auto process = sys::pidfd(pid);
        if (process) {
            EXPECT_TRUE(Waiter{patience()}.until(process->get(), POLLIN)) << pid << " stays";
        }
        ::waitpid(pid, nullptr, 0);
    }

    control::VmInfo old_;
    std::string id_;
};

TEST_F(Postcopy, MovesAGuestInAMemfdAgainAndAgain) {
    boot(spec());
    for (int i = 0; i < 3; ++i)
        expect_moves();
}

TEST_F(Postcopy, OverSeveralChannels) {
    boot(spec("max_rounds = 0, channels = 3"));
    expect_moves();
}

TEST_F(Postcopy, AfterRoundsThatWereTooSlow) {
    boot(spec("downtime_limit = '1us', max_rounds = 2"));
    ASSERT_NO_FATAL_FAILURE(move());
    expect_unharmed();
    EXPECT_THAT(guest_->log(), HasSubstr("after 2 rounds"));
    EXPECT_THAT(guest_->log(), HasSubstr("it goes before its RAM"));
}

// Nobody can see its memory before.
TEST_F(Postcopy, PrivateMemoryBecomesSharedWhereTheNewConfigurationSaysSo) {
    test::GuestSpec s = spec();
    s.backend = "private";
    boot(s);
    control::UpdateRequest request;
    request.config = guest_->write_config("next.toml", spec());
    ASSERT_NO_FATAL_FAILURE(move(request));
    expect_unharmed();
    EXPECT_EQ(vm_.ram.at(0).backend, "memfd");
}

// What the guest wrote in the last round crosses once, and it depends on nobody.
TEST_F(Postcopy, WhatFitsIntoThePauseIsNotFetched) {
    boot(spec("downtime_limit = '60s'"));
    ASSERT_NO_FATAL_FAILURE(move());
    expect_unharmed();
    EXPECT_EQ(journal().ram_bytes_left, 0u);
    EXPECT_THAT(guest_->log(), testing::Not(HasSubstr("the guest runs here and depends")));
}

TEST_F(Postcopy, WhatTheGuestHasNotTouchedTakesNoMemory) {
    test::GuestSpec s = spec();
    s.mib = 1024;
    boot(s);
    const auto before = ram_taken();
    ASSERT_NO_FATAL_FAILURE(move());
    expect_unharmed();
    EXPECT_LT(ram_taken(), before + 4);
}

TEST_F(Postcopy, WhatItAsksForComesWhileTheRestTakesMinutes) {
    ASSERT_NO_FATAL_FAILURE(begin_slowly());
    EXPECT_GT(record().ram_bytes_left, 4u << 20);
    EXPECT_THAT(record().warnings, testing::Contains(HasSubstr("depends on both VMMs")));
    EXPECT_EQ(journal().status, UpdateStatus::PostcopyActive) << "nobody wrote it down";
    expect_completes();
    using Thread = report::FaultTimes::Thread;
    EXPECT_THAT(record().faults->threads,
                testing::Contains(testing::Field(&Thread::name, HasSubstr("vcpu"))));
}

TEST_F(Postcopy, NothingElseBeginsMeanwhile) {
    ASSERT_NO_FATAL_FAILURE(begin_slowly());
    const auto second = guest_->client().start_update({});
    EXPECT_EQ(second.code(), Code::Exists);
    EXPECT_THAT(second.error().what(), HasSubstr("still with the VMM that it came from"));
    const Status cancelled = guest_->client().cancel_update();
    EXPECT_EQ(cancelled.code(), Code::Refused);
    EXPECT_THAT(cancelled.error().what(), HasSubstr("depends on both VMMs"));
    EXPECT_TRUE(guest_->client().switch_now()) << "it has gone already";
    expect_completes();
    EXPECT_TRUE(guest_->client().switch_now()) << "that is over";
}

TEST_F(Postcopy, AGuestThatEndsMeanwhileEndsBoth) {
    ASSERT_NO_FATAL_FAILURE(begin_slowly());
    ASSERT_TRUE(guest_->client().quit());
    expect_end(vm_.pid);
    expect_end(old_.pid);
    EXPECT_EQ(journal().status, UpdateStatus::Completed);
    EXPECT_THAT(journal().warnings, testing::Contains(HasSubstr("the guest ended before")));
}

TEST_F(Postcopy, AnOldSideThatDiesTakesItAlong) {
    ASSERT_NO_FATAL_FAILURE(begin_slowly());
    ASSERT_EQ(::kill(old_.pid, SIGKILL), 0);
    expect_end(old_.pid);
    expect_end(vm_.pid);
    EXPECT_EQ(journal().status, UpdateStatus::Failed);
    ASSERT_TRUE(journal().error);
    EXPECT_THAT(journal().error->what(), HasSubstr("cannot be had any more"));
    EXPECT_EQ(journal().error->detail("phase"), "fetch");
    EXPECT_TRUE(guest_->processes_until({}, patience()).empty());
}

TEST_F(Postcopy, ANewSideThatDiesTakesItAlong) {
    ASSERT_NO_FATAL_FAILURE(begin_slowly());
    ASSERT_EQ(::kill(vm_.pid, SIGKILL), 0);
    expect_end(vm_.pid);
    expect_end(old_.pid);
    EXPECT_TRUE(guest_->processes_until({}, patience()).empty());
    EXPECT_EQ(journal().status, UpdateStatus::PostcopyActive) << "the last that is known";
}

// What it has touched, at 64 KiB a second, would take minutes.
TEST_F(Postcopy, GoesWhenItIsTold) {
    boot(spec("bandwidth = '64K'"));
    const auto before = vm_.pid;
    const auto started = guest_->client().start_update({});
    ASSERT_TRUE(started) << started.error().what();
    id_ = started->id;
    ASSERT_TRUE(comes_true([&] {
        const auto r = record();
        return !r.phases.empty() && r.phases.back().phase == report::Phase::Copy;
    }));
    const Status told = guest_->client().switch_now();
    EXPECT_TRUE(told) << told.error().what();
    ASSERT_TRUE(comes_true([&] { return report::is_final(record().status); }));
    EXPECT_EQ(record().status, UpdateStatus::Completed);
    expect_end(before);
    ASSERT_TRUE(guest_->follow());
    expect_unharmed();
}

TEST_F(Postcopy, AfterATimeItGoesByItself) {
    boot(spec("bandwidth = '64K', switch_after = '10ms'"));
    expect_moves();
}

TEST_F(Postcopy, AModeThatDoesNotGoFirstIsToldSo) {
    test::GuestSpec s = spec_for("precopy");
    s.mode_options = "bandwidth = '64K'";
    boot(s);
    EXPECT_EQ(guest_->client().switch_now().code(), Code::NotFound);
    const auto started = guest_->client().start_update({});
    ASSERT_TRUE(started);
    id_ = started->id;
    ASSERT_TRUE(comes_true([&] { return !record().phases.empty() && record().phases.size() > 2; }));
    const Status told = guest_->client().switch_now();
    EXPECT_EQ(told.code(), Code::Refused);
    EXPECT_THAT(told.error().what(), HasSubstr("mode/precopy moves no guest before its RAM"));
    EXPECT_TRUE(guest_->client().cancel_update());
    expect_unharmed();
}

} // namespace
} // namespace segue::integration
