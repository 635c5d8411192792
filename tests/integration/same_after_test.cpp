// SPDX-License-Identifier: Apache-2.0
// same_after_test.cpp - what an operator has set on the running VMM, and who is connected to its
// console, is the same after an update by each mode.
#include <sys/resource.h>
#include <sys/stat.h>

#include <termios.h>

#include <fstream>
#include <thread>

#include <segue/cpp/socket.hpp>
#include <segue/cpp/sys.hpp>

#include "tests/integration/update_test.hpp"
#include "tests/support/threads.hpp"

namespace segue::integration {
namespace {

using namespace std::chrono_literals;

class SameAfter : public UpdateTest, public testing::WithParamInterface<const char*> {
protected:
    void SetUp() override {
        test::GuestSpec spec = spec_for(GetParam());
        spec.vcpus = 2;
        boot(spec);
    }
    pid_t vcpu(unsigned id) const { return test::thread_named(vm_.pid, vcpu_name(id)); }
    static std::string vcpu_name(unsigned id) { return "vcpu" + std::to_string(id); }
    // Of both, one a line.
    std::string vcpus() const {
        return test::scheduling_text(vcpu(0)) + "\n" + test::scheduling_text(vcpu(1));
    }
    // Of each thread that is no vCPU's, where it is not as `like`.
    std::string others_unlike(const std::string& like) const {
        std::string text;
        for (const auto& [tid, name] : test::threads_of(vm_.pid)) {
            const std::string its = test::scheduling_text(tid);
            if (name.rfind("vcpu", 0) != 0 && !its.empty() && its != like)
                text.append(name).append(": ").append(its).append("\n");
        }
        return text;
    }

    const std::vector<int> cpus_ = test::own_cpus();
};

INSTANTIATE_TEST_SUITE_P(Modes, SameAfter, every_mode(), mode_name);

TEST_P(SameAfter, EachVcpuThreadsAffinityPolicyAndNice) {
    const std::string main = test::scheduling_text(vm_.pid);
    ASSERT_EQ(test::taskset(vcpu(0), cpus_.front()), "");
    ASSERT_EQ(test::renice(vcpu(0), -3), "");
    ASSERT_EQ(test::taskset(vcpu(1), cpus_.back()), "");
    ASSERT_EQ(test::chrt(vcpu(1), SCHED_BATCH, 0), "");
    std::string before = vcpus();
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(vcpus(), before);
    EXPECT_EQ(others_unlike(main), "");
    // What counts is what is true when the update begins.
    ASSERT_EQ(test::taskset(vcpu(0), cpus_.back()), "");
    ASSERT_EQ(test::chrt(vcpu(1), SCHED_OTHER, 0), "");
    ASSERT_EQ(test::renice(vcpu(1), 4), "");
    before = vcpus();
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(vcpus(), before);
    expect_unharmed();
}

// The new vCPU's thread comes to rehearse although the old one leaves its CPU to nobody.
TEST_P(SameAfter, ARealTimePolicyWhileTheGuestRuns) {
    ASSERT_EQ(test::taskset(vcpu(0), cpus_.front()), "");
    ASSERT_EQ(test::chrt(vcpu(0), SCHED_FIFO, 1), "");
    const std::string before = vcpus();
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(vcpus(), before);
    ASSERT_EQ(test::chrt(vcpu(0), SCHED_OTHER, 0), "");
    expect_unharmed();
}

// While it stands still: a vCPU of this policy that spins takes its CPU from everybody.
TEST_P(SameAfter, ARealTimePolicyAndItsPriority) {
    ASSERT_TRUE(guest_->client().pause());
    vm_ = vm();
    ASSERT_EQ(test::chrt(vcpu(0), SCHED_FIFO, 2), "");
    ASSERT_EQ(test::chrt(vcpu(1), SCHED_RR | SCHED_RESET_ON_FORK, 1), "");
    const std::string before = vcpus();
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(vcpus(), before);
    for (unsigned id = 0; id < 2; ++id)
        ASSERT_EQ(test::chrt(vcpu(id), SCHED_OTHER, 0), "");
    ASSERT_TRUE(guest_->client().resume());
    expect_unharmed();
}

// The update's own thread, which starts the new program, is another one and has not been bound.
TEST_P(SameAfter, TheMainThreadsAffinityPolicyAndNice) {
    const std::string free = vcpus();
    ASSERT_EQ(test::taskset(vm_.pid, cpus_.back()), "");
    ASSERT_EQ(test::chrt(vm_.pid, SCHED_BATCH, 0), "");
    ASSERT_EQ(test::renice(vm_.pid, 2), "");
    const std::string main = test::scheduling_text(vm_.pid);
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(test::scheduling_text(vm_.pid), main);
    EXPECT_EQ(others_unlike(main), "");
    EXPECT_EQ(vcpus(), free) << "a vCPU was bound like the main thread";
    expect_unharmed();
}

// Of the cgroup, the text of /proc/PID/cgroup: its path in each hierarchy.
TEST_P(SameAfter, OomScoreAndCgroup) {
    ASSERT_EQ(test::set_oom_score(vm_.pid, 137), "");
    const std::string cgroup = test::proc_text(vm_.pid, "cgroup");
    ASSERT_NE(cgroup, "");
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(test::proc_text(vm_.pid, "oom_score_adj"), "137\n");
    EXPECT_EQ(test::proc_text(vm_.pid, "cgroup"), cgroup);
}

TEST_P(SameAfter, APausedGuestStaysPaused) {
    ASSERT_TRUE(guest_->client().pause());
    vm_ = vm();
    const auto counters = guest_->page().counters();
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(vm_.state, report::RunState::Paused);
    std::this_thread::sleep_for(50ms); // in which it would count
    EXPECT_EQ(guest_->page().counters(), counters);
    ASSERT_TRUE(guest_->client().resume());
    expect_unharmed();
}

// A new program that the host allows less than the running one.
TEST_P(SameAfter, WhatCannotStayIsRefusedBeforeThePause) {
    const int nice = ::getpriority(PRIO_PROCESS, 0) - 4; // less than what it would inherit
    ASSERT_EQ(test::renice(vcpu(1), nice), "");
    const std::string before = vcpus(), program = *guest_ / "without-rights";
    std::ofstream(program) << "#!/bin/sh\nexec setpriv --bounding-set=-sys_nice "
                              "--inh-caps=-sys_nice " SEGUE_VMM_NEXT " \"$@\"\n";
    ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
    const control::VmInfo old = vm_;
    const report::UpdateRecord r = update({"", program, ""});
    ASSERT_EQ(r.status, report::UpdateStatus::Failed);
    EXPECT_THAT(r.error->what(),
                testing::HasSubstr("vCPU 1: run as SCHED_OTHER, nice " + std::to_string(nice)));
    EXPECT_THAT(r.error->way_out(), testing::HasSubstr("CAP_SYS_NICE"));
    EXPECT_EQ(r.error->detail("phase"), "prepare");
    EXPECT_EQ(vm_.pid, old.pid);
    EXPECT_EQ(vm_.generation, old.generation);
    EXPECT_EQ(vcpus(), before);
    expect_unharmed();
}

class SameTerminal : public SameAfter {
protected:
    // Connected before the first update, as an operator is.
    void SetUp() override {
        SameAfter::SetUp();
        const std::string path = vm_.console.substr(vm_.console.find(':') + 1);
        auto fd = sys::open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
        ASSERT_TRUE(fd) << fd.error().what();
        terminal_ = std::move(*fd);
    }
    void type(char c) { ASSERT_EQ(::write(terminal_.get(), &c, 1), 1); }
    // 'e' spoils a byte, which the guest then finds: so it has read it.
    void type_and_see() {
        const std::string before = guest_->page().errors();
        type('e');
        EXPECT_TRUE(comes_true([&] { return guest_->page().errors() != before; }))
            << "what was typed did not arrive";
    }
    bool prints(const std::string& text) {
        return comes_true([&] {
            char bytes[4096];
            const auto n = ::read(terminal_.get(), bytes, sizeof bytes);
            seen_.append(bytes, n > 0 ? static_cast<std::size_t>(n) : 0);
            return seen_.find(text) != std::string::npos;
        });
    }
    termios settings() const {
        termios s = {};
        EXPECT_EQ(::tcgetattr(terminal_.get(), &s), 0);
        return s;
    }

    UniqueFd terminal_;
    std::string seen_;
};

INSTANTIATE_TEST_SUITE_P(Modes, SameTerminal, every_mode(), mode_name);

TEST_P(SameTerminal, StaysConnected) {
    type_and_see();
    const std::string console = vm_.console;
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(vm_.console, console);
    type_and_see();
    type('r'); // a reset: the guest says so in its first line
    EXPECT_TRUE(prints("metronome: boot=2")) << seen_;
}

TEST_P(SameTerminal, KeepsItsSettings) {
    termios set = settings();
    EXPECT_EQ(set.c_lflag & (ECHO | ICANON | ISIG), 0u) << "not raw from the start";
    set.c_iflag |= IXON; // of the operator's own
    set.c_cc[VMIN] = 7;
    ASSERT_EQ(::tcsetattr(terminal_.get(), TCSANOW, &set), 0);
    ASSERT_NO_FATAL_FAILURE(move());
    const termios after = settings();
    EXPECT_EQ(after.c_iflag, set.c_iflag);
    EXPECT_EQ(after.c_oflag, set.c_oflag);
    EXPECT_EQ(after.c_cflag, set.c_cflag);
    EXPECT_EQ(after.c_lflag, set.c_lflag);
    EXPECT_EQ(std::memcmp(after.c_cc, set.c_cc, sizeof set.c_cc), 0);
}

} // namespace
} // namespace segue::integration
