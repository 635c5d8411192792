// SPDX-License-Identifier: Apache-2.0
// reboot_test.cpp - updates through a time in which no VMM has the guest.
#include <sys/wait.h>

#include <thread>

#include <segue/cpp/sys.hpp>

#include "core/base/temp_dir.hpp"
#include "core/base/wait.hpp"
#include "tests/integration/update_test.hpp"
#include "tests/support/threads.hpp"

namespace segue::integration {
namespace {

using namespace std::chrono_literals;

class Reboot : public UpdateTest {
protected:
    static test::GuestSpec spec(const std::string& ram) {
        test::GuestSpec s = usual_spec();
        s.vcpus = 2;
        s.modes = {"cpr-reboot"};
        s.backend = ram == "copy" ? "memfd" : "file";
        s.transport = "file";
        s.mode_options = "ram = \"" + ram + "\"";
        return s;
    }
    // Until the VMM has gone.
    report::UpdateRecord save() {
        const auto pidfd = sys::pidfd(vm_.pid);
        control::UpdateRequest request;
        request.save = true;
        auto record = guest_->client().start_update(request);
        EXPECT_TRUE(record) << record.error().what();
        EXPECT_TRUE(Waiter{patience()}.until(pidfd->get(), POLLIN)) << "the VMM stays";
        ::waitpid(vm_.pid, nullptr, 0);
        const auto all = guest_->journal();
        EXPECT_FALSE(all.empty());
        return all.empty() ? report::UpdateRecord{} : all.back();
    }
    // A VMM that takes the guest from its state; how it ended where it did not.
    std::string start(std::vector<std::string> more = {}) {
        more.insert(more.begin(), "--restore");
        started_ = guest_->start_vmm(more);
        EXPECT_TRUE(started_) << started_.error().what();
        for (const Deadline limit = patience(); !limit.passed();) {
            if (guest_->client().healthz()) {
                vm_ = vm();
                return "";
            }
            if (const auto end = wait_exit(*started_, Deadline::in(5ms)))
                return to_string(*end);
        }
        return "no answer";
    }
    // In the memory that the guest has now; it has counted on from `since`.
    void expect_unharmed(const std::vector<std::uint64_t>& since = {}) {
        auto page = test::GuestPage::open(vm_.ram.at(0), patience());
        ASSERT_TRUE(page) << page.error().what();
        EXPECT_TRUE(page->verify(patience()));
        EXPECT_EQ(page->errors(), "");
        EXPECT_EQ(page->boots(), 1u);
        for (std::size_t i = 0; i < since.size(); ++i)
            EXPECT_GT(page->counters()[i], since[i]);
    }
    // A start opens a terminal of its own, which may have another number.
    test::Holdings held() const {
        test::Holdings all = guest_->holdings(vm_.pid);
        for (auto it = all.begin(); it != all.end();)
            it = it->first.rfind("fd /dev/pts/", 0) == 0 ? all.erase(it) : std::next(it);
        return all;
    }
    // Once the connections that brought the last answers are closed.
    test::Holdings settled() const {
        for (test::Holdings last = held();;) {
            std::this_thread::sleep_for(100ms);
            test::Holdings now = held();
            if (now == last)
                return now;
            last = std::move(now);
        }
    }
    bool there(const std::string& file) const { return ::access(file.c_str(), F_OK) == 0; }
    std::string state() const { return guest_->places().run + "/main.channel"; }

    std::string holdings() const {
        const auto before = before_;
        return test::lasting_difference(
            before, [this] { return held(); }, patience());
    }
    test::Holdings before_;
    Result<Child> started_ = Child{};
};

TEST_F(Reboot, InOneGoWithItsRamInPlace) {
    boot(spec("in-place"));
    before_ = settled();
    const std::uint64_t inode = vm_.ram.at(0).inode;
    const auto counters = guest_->page().counters();
    const report::UpdateRecord r = update({"", SEGUE_VMM_NEXT, ""});
    ASSERT_EQ(r.status, report::UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    EXPECT_EQ(r.ram_bytes_copied, 0u);
    EXPECT_EQ(r.to_pid, vm_.pid);
    EXPECT_NE(r.from_version, r.to_version);
    EXPECT_GT(r.unanswered.count(), 0);
    EXPECT_GT(r.blackout.count(), 0);
    EXPECT_EQ(vm_.generation, 2u);
    EXPECT_EQ(vm_.ram.at(0).inode, inode);
    ASSERT_TRUE(guest_->page().verify(patience()));
    for (std::size_t i = 0; i < counters.size(); ++i)
        EXPECT_GT(guest_->page().counters()[i], counters[i]);
    EXPECT_EQ(guest_->page().errors(), "");
    EXPECT_EQ(guest_->page().boots(), 1u);
    EXPECT_EQ(holdings(), "");
    EXPECT_EQ(guest_->journal().size(), 1u);
    EXPECT_EQ(guest_->processes(), std::vector<pid_t>{vm_.pid});
}

TEST_F(Reboot, SeveralTimesAndBack) {
    boot(spec("auto"));
    for (int i = 0; i < 4; ++i)
        ASSERT_NO_FATAL_FAILURE(move({"", i % 2 == 0 ? SEGUE_VMM_NEXT : SEGUE_VMM, ""}));
    EXPECT_TRUE(guest_->page().verify(patience()));
    EXPECT_EQ(guest_->page().errors(), "");
}

TEST_F(Reboot, InPlaceThatCannotBeIsRefusedWithTheWayOut) {
    test::GuestSpec s = spec("in-place");
    s.backend = "memfd";
    boot(s);
    before_ = settled();
    const auto r = update();
    ASSERT_EQ(r.status, report::UpdateStatus::Failed);
    EXPECT_NE(r.error->what().find("ram0"), std::string::npos) << r.error->what();
    EXPECT_EQ(r.error->detail("phase"), "preflight");
    EXPECT_NE(r.error->way_out().find("ram"), std::string::npos) << r.error->way_out();
    EXPECT_EQ(vm_.generation, 1u);
    EXPECT_EQ(holdings(), "");
    EXPECT_TRUE(guest_->page().verify(patience()));
}

TEST_F(Reboot, InOneGoWithItsRamCopied) {
    boot(spec("copy"));
    before_ = settled();
    const std::uint64_t inode = vm_.ram.at(0).inode;
    const auto r = update();
    ASSERT_EQ(r.status, report::UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    EXPECT_GT(r.ram_bytes_copied, 1u << 20);
    EXPECT_LT(r.ram_bytes_copied, vm_.ram.at(0).bytes) << "holes were copied";
    EXPECT_NE(vm_.ram.at(0).inode, inode);
    expect_unharmed();
    EXPECT_EQ(holdings(), "");
    ASSERT_NO_FATAL_FAILURE(move()) << "shareable memory: the next one is as good";
    expect_unharmed();
}

class RebootInTwoSteps : public Reboot, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Ram, RebootInTwoSteps, testing::Values("in-place", "copy"),
                         [](const auto& ram) {
                             return std::string(ram.index == 0 ? "InPlace" : "Copy");
                         });

TEST_P(RebootInTwoSteps, SavedAndStartedOnce) {
    boot(spec(GetParam()));
    before_ = settled();
    const auto counters = guest_->page().counters();
    const auto saved = save();
    EXPECT_EQ(saved.status, report::UpdateStatus::Completed);
    EXPECT_EQ(saved.to_pid, 0);
    EXPECT_EQ(guest_->processes(), std::vector<pid_t>{});
    EXPECT_FALSE(there(guest_->places().api_socket()) || there(guest_->places().lock()));
    ASSERT_EQ(::link(state().c_str(), (*guest_ / "kept").c_str()), 0);

    ASSERT_EQ(start(), "");
    EXPECT_EQ(vm_.generation, 2u);
    EXPECT_EQ(vm_.state, report::RunState::Running);
    expect_unharmed(counters);
    EXPECT_FALSE(there(state())) << "the state was left behind";
    EXPECT_EQ(holdings(), "");

    // Not while it runs, and not from the same file after it.
    const auto second = guest_->start_vmm({"--restore"});
    const auto end = wait_exit(*second, patience());
    ASSERT_TRUE(end);
    EXPECT_EQ(end->code, 1);
    ASSERT_TRUE(guest_->client().healthz()) << "the second start took the first one's socket";
    ASSERT_EQ(::kill(vm_.pid, SIGKILL), 0);
    ::waitpid(vm_.pid, nullptr, 0);
    ASSERT_EQ(::rename((*guest_ / "kept").c_str(), state().c_str()), 0);
    EXPECT_EQ(start(), "exited with 1");
    EXPECT_NE(guest_->log().find("a state is started once"), std::string::npos);
    EXPECT_TRUE(there(state()));
    EXPECT_FALSE(there(guest_->places().api_socket()) || there(guest_->places().lock()));
}

TEST_P(RebootInTwoSteps, APausedGuestStaysPaused) {
    boot(spec(GetParam()));
    ASSERT_TRUE(guest_->client().pause());
    vm_ = vm();
    save();
    ASSERT_EQ(start(), "");
    EXPECT_EQ(vm_.state, report::RunState::Paused);
    ASSERT_TRUE(guest_->client().resume());
    expect_unharmed();
}

TEST_P(RebootInTwoSteps, AGuestThatSleepsIsWokenByWhoeverStartsIt) {
    boot(spec(GetParam()));
    ASSERT_TRUE(guest_->type('s'));
    ASSERT_TRUE(comes_true([&] { return vm().state == report::RunState::Suspended; }));
    ASSERT_EQ(save().status, report::UpdateStatus::Completed);
    ASSERT_EQ(start(), "");
    EXPECT_EQ(vm_.state, report::RunState::Suspended);
    ASSERT_TRUE(guest_->client().wakeup());
    expect_unharmed();
}

TEST_P(RebootInTwoSteps, WhatAnOperatorHasSetIsInTheState) {
    boot(spec(GetParam()));
    const auto vcpu = [this] { return test::thread_named(vm_.pid, "vcpu1"); };
    ASSERT_EQ(test::taskset(vcpu(), test::own_cpus().back()), "");
    ASSERT_EQ(test::renice(vcpu(), 6), "");
    ASSERT_EQ(test::set_oom_score(vm_.pid, 137), "");
    const std::string before = test::scheduling_text(vcpu());
    save();
    ASSERT_EQ(start(), "");
    EXPECT_EQ(test::scheduling_text(vcpu()), before);
    EXPECT_EQ(test::proc_text(vm_.pid, "oom_score_adj"), "137\n");
}

TEST_F(Reboot, MemoryThatAnotherGuestHasByNowIsRefused) {
    boot(spec("in-place"));
    save();
    const std::string ram = *guest_ / "ram0", mine = *guest_ / "mine";
    ASSERT_EQ(::rename(ram.c_str(), mine.c_str()), 0);
    {
        const UniqueFd other = sys::open(ram, O_RDWR | O_CREAT).value();
        ASSERT_TRUE(sys::truncate(other.get(), vm_.ram.at(0).bytes + 4096));
    }
    EXPECT_EQ(start(), "exited with 1");
    EXPECT_NE(guest_->log().find("RAM block 'ram0' carries no stamp"), std::string::npos);
    ASSERT_EQ(::rename(mine.c_str(), ram.c_str()), 0);
    EXPECT_EQ(start(), "") << "the refusal did no harm";
    expect_unharmed();
}

TEST_F(Reboot, ADiskThatHasChangedIsRefusedUnlessItIsNamed) {
    const TempDir dir;
    const std::string path = dir / "disk";
    const UniqueFd disk = sys::open(path, O_RDWR | O_CREAT).value();
    ASSERT_TRUE(sys::truncate(disk.get(), 1 << 20));
    test::GuestSpec s = spec("in-place");
    s.memory = "[[device]]\nid = \"disk0\"\nmodel = \"virtio-blk\"\noptions = { path = \"" + path +
               "\" }\n";
    boot(s);
    save();
    ASSERT_EQ(::pwrite(disk.get(), "x", 1, 0), 1);
    EXPECT_EQ(start(), "exited with 1");
    EXPECT_NE(guest_->log().find("it was changed after the guest was saved"), std::string::npos);
    EXPECT_EQ(start({"--accept-changed-disk", "disk9"}), "exited with 1");
    EXPECT_NE(guest_->log().find("the guest has no disk 'disk9'"), std::string::npos);
    ASSERT_EQ(start({"--accept-changed-disk", "disk0"}), "");
    expect_unharmed();
    EXPECT_THAT(guest_->journal().back().warnings,
                testing::Contains(testing::HasSubstr("disk 'disk0' was not compared")));
}

} // namespace
} // namespace segue::integration
