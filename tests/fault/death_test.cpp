// SPDX-License-Identifier: Apache-2.0
// death_test.cpp - one of the two processes is killed, or stopped and continued later, wherever the
// update stands: who has the guest afterwards, in each mode.
#include <csignal>

#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

enum class Outcome {
    Stays, // with the old process
    Moves, // to the next generation
    Rests, // no process has it, and a start gets it
    Lost,  // with its owner, and that is told
};
using enum Outcome;

enum class Who { Old, New, Both };

// They stand `at` these edges, and one of them is struck; then all are released. Where one side has
// no edge here it waits for the other one. In cpr-exec there is one process, which is the old one
// as well as the new: what the probe's child does is in new_binary_test.cpp.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): in the order of the table's columns
struct Row {
    const Mode* mode;
    Who who;
    std::vector<Edge> at;
    Outcome outcome;
    std::string tells = ""; // Stays: the phase of the error. Lost: what is left of the state
};
void PrintTo(const Row& row, std::ostream* out) {
    *out << row.mode->id;
}
std::string name_of(const testing::TestParamInfo<Row>& row) {
    const char* who[] = {"Old", "New", "Both"};
    std::string where = who[static_cast<int>(row.param.who)];
    for (const Edge& edge : row.param.at)
        where += " " + edge;
    return test_name(*row.param.mode, where);
}

class Struck : public FaultTest, public testing::WithParamInterface<Row> {
protected:
    // Everybody where he is to be; gives the new process, where it stands at an edge.
    pid_t reach() {
        const Row& row = GetParam();
        for (const Edge& edge : row.at)
            barriers_->hold(edge);
        update();
        pid_t target = 0;
        for (const Edge& edge : row.at) {
            const pid_t pid = held_at(edge);
            if (edge.substr(0, 3) == "new")
                target = pid;
        }
        const bool peer = !row.mode->same_process && row.mode != &kReboot;
        if (peer && row.at.front() == "new commit")
            await_offer();
        return target;
    }
    void release() {
        for (const Edge& edge : GetParam().at)
            barriers_->release(edge);
    }
};
using Killed = Struck;
using Stopped = Struck;

const Row kKilled[] = {
    // Before the offer the candidate is nobody; until its claim the owner takes back.
    {&kTransfer, Who::New, {"new prepare"}, Stays, "prepare"},
    {&kTransfer, Who::New, {"new copy", "old copy"}, Stays, "copy"},
    {&kTransfer, Who::New, {"new handover", "old pause"}, Stays, "pause"},
    {&kTransfer, Who::New, {"new handover", "old handover"}, Stays, "handover"},
    {&kTransfer, Who::New, {"new handover", "old commit"}, Stays, "commit"},
    {&kTransfer, Who::New, {"new commit"}, Stays, "commit"},
    // The old one cannot know whether the guest ran, so it may not resume.
    {&kTransfer, Who::New, {"new retire"}, Lost},
    {&kTransfer, Who::Old, {"old preflight"}, Lost},
    {&kTransfer, Who::Old, {"old prepare"}, Lost},
    {&kTransfer, Who::Old, {"old copy"}, Lost},
    {&kTransfer, Who::Old, {"old pause"}, Lost},
    {&kTransfer, Who::Old, {"old handover"}, Lost},
    {&kTransfer, Who::Old, {"old commit"}, Lost},
    {&kTransfer, Who::Old, {"new commit"}, Moves},
    {&kTransfer, Who::Old, {"old retire"}, Moves},
    {&kTransfer, Who::Both, {"new commit"}, Lost},

    // As in cpr-transfer, but that the new one has no page of the old one's: in its copy it waits
    // for them.
    {&kPrecopy, Who::New, {"new prepare"}, Stays, "prepare"},
    {&kPrecopy, Who::New, {"new copy", "old copy"}, Stays, "copy"},
    {&kPrecopy, Who::New, {"new handover", "old pause"}, Stays, "pause"},
    {&kPrecopy, Who::New, {"new handover", "old handover"}, Stays, "handover"},
    {&kPrecopy, Who::New, {"new commit"}, Stays, "commit"},
    {&kPrecopy, Who::New, {"new retire"}, Lost},
    {&kPrecopy, Who::Old, {"old preflight"}, Lost},
    {&kPrecopy, Who::Old, {"old prepare"}, Lost},
    {&kPrecopy, Who::Old, {"old copy"}, Lost},
    {&kPrecopy, Who::Old, {"old pause"}, Lost},
    {&kPrecopy, Who::Old, {"old handover"}, Lost},
    {&kPrecopy, Who::Old, {"old commit"}, Lost},
    {&kPrecopy, Who::Old, {"new commit"}, Moves},
    {&kPrecopy, Who::Old, {"old retire"}, Moves},
    {&kPrecopy, Who::Both, {"new commit"}, Lost},

    // Until the fetch is over the guest needs both.
    {&kPostcopy, Who::New, {"new prepare"}, Stays, "prepare"},
    {&kPostcopy, Who::New, {"new copy", "old copy"}, Stays, "copy"},
    {&kPostcopy, Who::New, {"new handover", "old pause"}, Stays, "pause"},
    {&kPostcopy, Who::New, {"new handover", "old handover"}, Stays, "handover"},
    {&kPostcopy, Who::New, {"new commit"}, Stays, "commit"},
    {&kPostcopy, Who::New, {"new fetch"}, Lost},
    {&kPostcopy, Who::New, {"new retire"}, Lost},
    {&kPostcopy, Who::Old, {"old preflight"}, Lost},
    {&kPostcopy, Who::Old, {"old prepare"}, Lost},
    {&kPostcopy, Who::Old, {"old copy"}, Lost},
    {&kPostcopy, Who::Old, {"old pause"}, Lost},
    {&kPostcopy, Who::Old, {"old handover"}, Lost},
    {&kPostcopy, Who::Old, {"old commit"}, Lost},
    {&kPostcopy, Who::Old, {"old retire"}, Moves},
    {&kPostcopy, Who::Both, {"new commit"}, Lost},

    // In its copy the new one waits for the old one's word that its RAM is there.
    {&kPageFlip, Who::New, {"new prepare"}, Stays, "prepare"},
    {&kPageFlip, Who::New, {"new copy", "old copy"}, Stays, "copy"},
    {&kPageFlip, Who::New, {"new handover", "old pause"}, Stays, "pause"},
    {&kPageFlip, Who::New, {"new handover", "old handover"}, Stays, "handover"},
    {&kPageFlip, Who::New, {"new commit"}, Stays, "commit"},
    {&kPageFlip, Who::New, {"new retire"}, Lost},
    {&kPageFlip, Who::Old, {"old preflight"}, Lost},
    {&kPageFlip, Who::Old, {"old prepare"}, Lost},
    {&kPageFlip, Who::Old, {"old copy"}, Lost},
    {&kPageFlip, Who::Old, {"old pause"}, Lost},
    {&kPageFlip, Who::Old, {"old handover"}, Lost},
    {&kPageFlip, Who::Old, {"old commit"}, Lost},
    {&kPageFlip, Who::Old, {"new commit"}, Moves},
    {&kPageFlip, Who::Old, {"old retire"}, Moves},
    {&kPageFlip, Who::Both, {"new commit"}, Lost},

    // There is no way back after execve, and nobody else who could go on.
    {&kExec, Who::Old, {"old preflight"}, Lost},
    {&kExec, Who::Old, {"old prepare"}, Lost},
    {&kExec, Who::Old, {"old copy"}, Lost},
    {&kExec, Who::Old, {"old pause"}, Lost},
    {&kExec, Who::Old, {"old handover"}, Lost},
    {&kExec, Who::Old, {"old commit"}, Lost, kState},
    {&kExec, Who::New, {"new prepare"}, Lost, kState},
    {&kExec, Who::New, {"new copy"}, Lost, kState},
    {&kExec, Who::New, {"new handover"}, Lost, kState},
    {&kExec, Who::New, {"new commit"}, Lost, kState},
    {&kExec, Who::New, {"new retire"}, Lost, kState},

    // The holder waits in its copy for the owner's end: from the offer on the state rests, whoever
    // is to take it, until a claim.
    {&kReboot, Who::New, {"new prepare"}, Stays, "prepare"},
    {&kReboot, Who::New, {"new copy", "old copy"}, Stays, "copy"},
    {&kReboot, Who::New, {"new copy", "old pause"}, Stays, "pause"},
    {&kReboot, Who::New, {"new copy", "old handover"}, Stays, "handover"},
    {&kReboot, Who::New, {"new copy", "old commit"}, Stays, "commit"},
    {&kReboot, Who::New, {"new copy", "old retire"}, Rests},
    {&kReboot, Who::New, {"new handover"}, Rests},
    {&kReboot, Who::New, {"new commit"}, Rests},
    {&kReboot, Who::New, {"new retire"}, Lost, kState},
    {&kReboot, Who::Old, {"old preflight"}, Lost},
    {&kReboot, Who::Old, {"old prepare"}, Lost},
    {&kReboot, Who::Old, {"old copy"}, Lost},
    {&kReboot, Who::Old, {"old pause"}, Lost},
    {&kReboot, Who::Old, {"old handover"}, Lost},
    {&kReboot, Who::Old, {"old commit"}, Lost, kState},
    {&kReboot, Who::Old, {"old retire"}, Moves},
    {&kReboot, Who::Both, {"new copy", "old retire"}, Rests},
};

TEST_P(Killed, TheGuestIsWhereTheWordSays) {
    const Row& row = GetParam();
    boot(*row.mode);
    const pid_t target = reach();
    if (row.who == Who::Both) { // else one of them would act on the other's end
        ASSERT_EQ(::kill(old_, SIGSTOP), 0);
    }
    if (row.who != Who::Old)
        kill(target);
    if (row.who != Who::New)
        kill(old_);
    release();
    switch (row.outcome) {
    case Stays:
        return expect_refused({Code::Refused, row.tells, "exit", "SIGKILL"});
    case Moves:
        return expect_moved();
    case Rests:
        expect_exit(old_);
        return expect_starts();
    case Lost: {
        std::vector<std::string> left = {"api.sock", "owner", "lock"};
        if (!row.tells.empty())
            left.push_back(row.tells);
        return expect_lost(left);
    }
    }
}
INSTANTIATE_TEST_SUITE_P(Fault, Killed, testing::ValuesIn(kKilled), name_of);

const Row kStopped[] = {
    // The old one has no news of it before a deadline, and ends it then.
    {&kTransfer, Who::New, {"new prepare"}, Stays, "prepare"},
    {&kTransfer, Who::New, {"new copy", "old copy"}, Stays, "commit"},
    {&kTransfer, Who::New, {"new commit"}, Stays, "commit"},
    {&kTransfer, Who::New, {"new retire"}, Moves},
    {&kTransfer, Who::Old, {"old preflight"}, Moves},
    {&kTransfer, Who::Old, {"old prepare"}, Moves},
    {&kTransfer, Who::Old, {"old copy"}, Moves},
    {&kTransfer, Who::Old, {"old pause"}, Moves},
    {&kTransfer, Who::Old, {"old handover"}, Moves},
    {&kTransfer, Who::Old, {"old commit"}, Moves},
    // It is not needed any more: the next ones complete while it is stopped.
    {&kTransfer, Who::Old, {"new commit"}, Moves, "completed"},
    {&kTransfer, Who::Old, {"old retire"}, Moves, "completed"},

    {&kPrecopy, Who::New, {"new prepare"}, Stays, "prepare"},
    {&kPrecopy, Who::New, {"new handover", "old handover"}, Stays, "handover"},
    {&kPrecopy, Who::New, {"new commit"}, Stays, "commit"},
    {&kPrecopy, Who::New, {"new retire"}, Moves},
    {&kPrecopy, Who::Old, {"old preflight"}, Moves},
    {&kPrecopy, Who::Old, {"old prepare"}, Moves},
    {&kPrecopy, Who::Old, {"old copy"}, Moves},
    {&kPrecopy, Who::Old, {"old pause"}, Moves},
    {&kPrecopy, Who::Old, {"old handover"}, Moves},
    {&kPrecopy, Who::Old, {"old commit"}, Moves},
    {&kPrecopy, Who::Old, {"new commit"}, Moves, "completed"},
    {&kPrecopy, Who::Old, {"old retire"}, Moves, "completed"},

    {&kPostcopy, Who::New, {"new prepare"}, Stays, "prepare"},
    {&kPostcopy, Who::New, {"new handover", "old handover"}, Stays, "commit"},
    {&kPostcopy, Who::New, {"new commit"}, Stays, "commit"},
    {&kPostcopy, Who::New, {"new fetch"}, Moves},
    {&kPostcopy, Who::New, {"new retire"}, Moves},
    {&kPostcopy, Who::Old, {"old preflight"}, Moves},
    {&kPostcopy, Who::Old, {"old prepare"}, Moves},
    {&kPostcopy, Who::Old, {"old copy"}, Moves},
    {&kPostcopy, Who::Old, {"old pause"}, Moves},
    {&kPostcopy, Who::Old, {"old handover"}, Moves},
    {&kPostcopy, Who::Old, {"old commit"}, Moves},
    {&kPostcopy, Who::Old, {"new commit"}, Moves},
    {&kPostcopy, Who::Old, {"old fetch"}, Moves},
    {&kPostcopy, Who::Old, {"old retire"}, Moves, "completed"},

    {&kPageFlip, Who::New, {"new prepare"}, Stays, "prepare"},
    {&kPageFlip, Who::New, {"new handover", "old handover"}, Stays, "commit"},
    {&kPageFlip, Who::New, {"new commit"}, Stays, "commit"},
    {&kPageFlip, Who::New, {"new retire"}, Moves},
    {&kPageFlip, Who::Old, {"old preflight"}, Moves},
    {&kPageFlip, Who::Old, {"old prepare"}, Moves},
    {&kPageFlip, Who::Old, {"old copy"}, Moves},
    {&kPageFlip, Who::Old, {"old pause"}, Moves},
    {&kPageFlip, Who::Old, {"old handover"}, Moves},
    {&kPageFlip, Who::Old, {"old commit"}, Moves},
    {&kPageFlip, Who::Old, {"new commit"}, Moves, "completed"},
    {&kPageFlip, Who::Old, {"old retire"}, Moves, "completed"},

    {&kExec, Who::Old, {"old preflight"}, Moves},
    {&kExec, Who::Old, {"old prepare"}, Moves},
    {&kExec, Who::Old, {"old copy"}, Moves},
    {&kExec, Who::Old, {"old pause"}, Moves},
    {&kExec, Who::Old, {"old handover"}, Moves},
    {&kExec, Who::Old, {"old commit"}, Moves},
    {&kExec, Who::New, {"new prepare"}, Moves},
    {&kExec, Who::New, {"new copy"}, Moves},
    {&kExec, Who::New, {"new handover"}, Moves},
    {&kExec, Who::New, {"new commit"}, Moves},
    {&kExec, Who::New, {"new retire"}, Moves},

    // Once the owner is gone nobody ends a holder that is stopped: the state rests until it goes
    // on, or is killed.
    {&kReboot, Who::New, {"new prepare"}, Stays, "prepare"},
    {&kReboot, Who::New, {"new copy", "old copy"}, Moves},
    {&kReboot, Who::New, {"new handover"}, Moves},
    {&kReboot, Who::New, {"new commit"}, Moves},
    {&kReboot, Who::New, {"new retire"}, Moves},
    {&kReboot, Who::Old, {"old preflight"}, Moves},
    {&kReboot, Who::Old, {"old prepare"}, Moves},
    {&kReboot, Who::Old, {"old copy"}, Moves},
    {&kReboot, Who::Old, {"old pause"}, Moves},
    {&kReboot, Who::Old, {"old handover"}, Moves},
    {&kReboot, Who::Old, {"old commit"}, Moves},
    {&kReboot, Who::Old, {"old retire"}, Moves},
};

TEST_P(Stopped, OneThatGoesOnLaterHarmsNothing) {
    const Row& row = GetParam();
    test::GuestSpec spec = spec_of(*row.mode);
    if (row.outcome == Stays)
        (row.tells == "prepare" ? spec.prepare : spec.handover) = "2s";
    boot(*row.mode, spec);
    const pid_t target = reach();
    const pid_t victim = row.who == Who::Old ? old_ : target;
    ASSERT_GT(victim, 0);
    ASSERT_EQ(::kill(victim, SIGSTOP), 0);
    release();
    if (row.outcome == Stays) {
        expect_refused({Code::Deadline, row.tells, "binary", "segue-vmm-fault"});
        EXPECT_NE(::kill(victim, SIGCONT), 0) << "it still lives";
        return;
    }
    if (row.tells == "completed") {
        EXPECT_STREQ(report::name_of(over().status), "completed");
        EXPECT_TRUE(guest_->page().counts(patience()));
    }
    ASSERT_EQ(::kill(victim, SIGCONT), 0);
    expect_moved();
}
INSTANTIATE_TEST_SUITE_P(Fault, Stopped, testing::ValuesIn(kStopped), name_of);

} // namespace
} // namespace segue::fault
