// SPDX-License-Identifier: Apache-2.0
// death_test.cpp - one of the two processes is killed, or stopped and continued later, at an edge:
// who has the guest afterwards.
#include <csignal>

#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

// The new process stands at `at`, the old one at `old_at`, or waits (empty) for the new one.
struct Row {
    const char* name;
    Edge at, old_at;
    std::string phase; // of the old one, in what it says
};
void PrintTo(const Row& row, std::ostream* out) {
    *out << row.name;
}

const Row kTargetRows[] = {
    {"InPrepare", "new prepare", "", "prepare"},
    {"InCopy", "new copy", "old copy", "copy"},
    {"BeforeThePause", "new handover", "old pause", "pause"},
    {"InHandover", "new handover", "old handover", "handover"},
    {"BeforeTheOffer", "new handover", "old commit", "commit"},
    {"Offered", "new commit", "", "commit"},
};

class Target : public FaultTest, public testing::WithParamInterface<Row> {
protected:
    // Both where they are to be; gives the new process.
    pid_t reach() {
        const Row& row = GetParam();
        barriers_->hold(row.at);
        if (!row.old_at.empty())
            barriers_->hold(row.old_at);
        update();
        if (!row.old_at.empty())
            held_at(row.old_at);
        const pid_t target = held_at(row.at);
        if (row.at == "new commit")
            await_offer();
        return target;
    }
};
using TargetKilled = Target;
using TargetStopped = Target;

TEST_P(TargetKilled, TheGuestStays) {
    boot();
    const pid_t target = reach();
    ASSERT_GT(target, 0);
    kill(target);
    barriers_->release(GetParam().old_at);
    expect_refused({Code::Refused, GetParam().phase, "exit", "SIGKILL"});
}
INSTANTIATE_TEST_SUITE_P(Fault, TargetKilled, testing::ValuesIn(kTargetRows),
                         [](const auto& row) { return row.param.name; });

// The old one has no news of it before a deadline, and ends it then.
const Row kStoppedRows[] = {
    {"InPrepare", "new prepare", "", "prepare"},
    {"InCopy", "new copy", "old copy", "commit"},
    {"Offered", "new commit", "", "commit"},
};

TEST_P(TargetStopped, TheGuestStays) {
    test::GuestSpec spec = usual_spec();
    (GetParam().phase == "prepare" ? spec.prepare : spec.handover) = "2s";
    boot(spec);
    const pid_t target = reach();
    ASSERT_GT(target, 0);
    ASSERT_EQ(::kill(target, SIGSTOP), 0);
    barriers_->release(GetParam().old_at);
    expect_refused({Code::Deadline, GetParam().phase, "binary", "segue-vmm-fault"});
    EXPECT_NE(::kill(target, SIGCONT), 0) << "it still lives";
}
INSTANTIATE_TEST_SUITE_P(Fault, TargetStopped, testing::ValuesIn(kStoppedRows),
                         [](const auto& row) { return row.param.name; });

TEST_F(FaultTest, TheNewOwnerKilledAfterTheCommitTakesTheGuestAlong) {
    boot();
    update_until("new retire");
    kill(held_at("new retire"));
    expect_exit(old_); // it cannot know whether the guest ran, so it may not resume
    expect_gone({"api.sock", "owner", "lock"});
}

// --- the source

class Source : public FaultTest, public testing::WithParamInterface<const char*> {
protected:
    Edge edge() const { return std::string("old ") + GetParam(); }
};
std::string source_name(const testing::TestParamInfo<const char*>& row) {
    return row.param;
}
using SourceKilled = Source;
using SourceStopped = Source;

// As in any crash of a VMM.
TEST_P(SourceKilled, TheGuestEndsWithIt) {
    boot();
    update_until(edge());
    kill(old_);
    expect_exit(old_);
    expect_gone({"api.sock", "owner", "lock"});
    const bool candidate = edge() != "old preflight" && edge() != "old prepare";
    if (!candidate)
        return; // nobody is left who could write it down
    const report::UpdateRecord entry = journal_entry();
    EXPECT_STREQ(report::name_of(entry.status), report::name_of(report::UpdateStatus::Failed));
    ASSERT_TRUE(entry.error);
    EXPECT_STREQ(name_of(entry.error->code()), "closed") << entry.error->what();
    EXPECT_NE(entry.error->detail("phase"), "");
    EXPECT_NE(entry.error->way_out(), "");
}
INSTANTIATE_TEST_SUITE_P(Fault, SourceKilled,
                         testing::Values("preflight", "prepare", "copy", "pause", "handover",
                                         "commit"),
                         source_name);

TEST_P(SourceStopped, TheUpdateGoesOnWithIt) {
    boot();
    update_until(edge());
    ASSERT_EQ(::kill(old_, SIGSTOP), 0);
    barriers_->release(edge());
    ASSERT_EQ(::kill(old_, SIGCONT), 0);
    expect_moved();
}
INSTANTIATE_TEST_SUITE_P(Fault, SourceStopped,
                         testing::Values("preflight", "prepare", "copy", "pause", "handover",
                                         "commit", "retire"),
                         source_name);

TEST_F(FaultTest, TheSourceKilledWhileOfferedLeavesTheGuestToTheCandidate) {
    boot();
    update_until("new commit");
    await_offer();
    kill(old_);
    expect_exit(old_);
    barriers_->release("new commit");
    expect_moved();
}

TEST_F(FaultTest, TheSourceStoppedWhileOfferedLosesAndExitsWhenItGoesOn) {
    boot();
    update_until("new commit");
    await_offer();
    ASSERT_EQ(::kill(old_, SIGSTOP), 0);
    barriers_->release("new commit");
    EXPECT_EQ(over().status, report::UpdateStatus::Completed);
    EXPECT_TRUE(guest_->page().counts(patience()));
    ASSERT_EQ(::kill(old_, SIGCONT), 0);
    expect_moved();
}

TEST_F(FaultTest, TheSourceKilledAfterTheCommitIsNotMissed) {
    boot();
    update_until("old retire");
    kill(old_);
    expect_moved();
}

} // namespace
} // namespace segue::fault
