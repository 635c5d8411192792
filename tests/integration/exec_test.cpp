// SPDX-License-Identifier: Apache-2.0
// exec_test.cpp - cpr-exec as operators use it: the same process, and commands that are wrappers.
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "tests/integration/update_test.hpp"

namespace segue::integration {
namespace {

class Exec : public UpdateTest {
protected:
    void boot_with_exec(unsigned vcpus = 2) {
        test::GuestSpec spec = usual_spec();
        spec.vcpus = vcpus;
        spec.modes = {"cpr-exec"};
        spec.transport = "file";
        boot(spec);
    }
    // A script that stands before the new VMM.
    std::string wrapper(const std::string& lines) {
        std::string path = *guest_ / "wrapper";
        std::ofstream(path) << "#!/bin/sh\n" << lines << "\n";
        ::chmod(path.c_str(), 0755);
        return path;
    }
};

TEST_F(Exec, TheSameProcessGoesOnWithTheSameRam) {
    boot_with_exec();
    const auto before = vm_;
    const auto counters = guest_->page().counters();
    const report::UpdateRecord r = update({"", SEGUE_VMM_NEXT, ""});
    ASSERT_EQ(r.status, report::UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    EXPECT_EQ(vm_.pid, before.pid);
    EXPECT_EQ(vm_.generation, 2u);
    EXPECT_NE(vm_.version, before.version);
    EXPECT_EQ(vm_.ram.at(0).inode, before.ram.at(0).inode);
    EXPECT_EQ(vm_.console, before.console);
    EXPECT_TRUE(guest_->page().verify(patience()));
    EXPECT_EQ(guest_->page().errors(), "");
    EXPECT_EQ(guest_->page().boots(), 1u);
    for (std::size_t i = 0; i < counters.size(); ++i)
        EXPECT_GT(guest_->page().counters()[i], counters[i]) << "vCPU " << i;
}

TEST_F(Exec, BothHalvesOfTheUpdateAreAnsweredForByTheNewImage) {
    boot_with_exec(1);
    const report::UpdateRecord r = update({"", SEGUE_VMM_NEXT, ""});
    ASSERT_EQ(r.status, report::UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    EXPECT_EQ(r.from_pid, r.to_pid);
    EXPECT_NE(r.from_version, r.to_version);
    std::vector<report::Phase> phases;
    for (const report::PhaseTime& p : r.phases)
        phases.push_back(p.phase);
    using report::Phase;
    EXPECT_THAT(phases,
                testing::ElementsAre(Phase::Preflight, Phase::Prepare, Phase::Copy, Phase::Pause,
                                     Phase::Handover, Phase::Commit, Phase::Retire));
    EXPECT_EQ(guest_->journal().size(), 1u);
}

TEST_F(Exec, AWrapperThatExecsInTheEndKeepsTheProcess) {
    boot_with_exec(1);
    const pid_t pid = vm_.pid;
    move({"", wrapper("umask 077\nexec " SEGUE_VMM_NEXT " \"$@\""), ""});
    EXPECT_EQ(vm_.pid, pid);
    EXPECT_TRUE(guest_->page().verify(patience()));
    ASSERT_NO_FATAL_FAILURE(move({"", SEGUE_VMM, ""})); // and from there on as ever
}

TEST_F(Exec, LeavesNothingBehind) {
    boot_with_exec(1);
    const auto now = [&] { return guest_->holdings(vm_.pid); };
    auto held = now();
    // A connection of the start's may still be on its way out.
    for (bool steady = false; !steady;) {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        auto later = now();
        steady = test::difference(held, later).empty();
        held = std::move(later);
    }
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(test::lasting_difference(held, now, patience()), "");
    EXPECT_THAT(guest_->processes_until({vm_.pid}, patience()), testing::ElementsAre(vm_.pid));
}

} // namespace
} // namespace segue::integration
