// SPDX-License-Identifier: Apache-2.0
// control_test.cpp - the control socket and the journal over several generations, and over the
// death of one.
#include <grp.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <segue/cpp/sys.hpp>

#include "core/base/wait.hpp"
#include "tests/integration/update_test.hpp"

namespace segue::integration {
namespace {

using control::UpdateRequest;
using report::Phase;
using report::UpdateStatus;
using testing::HasSubstr;

std::vector<std::string> ids_of(const std::vector<report::UpdateRecord>& records) {
    std::vector<std::string> ids;
    for (const auto& r : records)
        ids.push_back(r.id);
    return ids;
}

class Control : public UpdateTest {
protected:
    // A program that is no VMM: the update gets as far as its prepare.
    UpdateRequest with_program(const std::string& text) const {
        const std::string path = *guest_ / "program";
        std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
        EXPECT_EQ(::chmod(path.c_str(), 0700), 0);
        UpdateRequest request;
        request.binary = path;
        return request;
    }
    void await_phase(const std::string& id, Phase phase) const {
        const auto there = [&] {
            const auto r = guest_->client().update(id);
            return r && !r->phases.empty() && r->phases.back().phase == phase;
        };
        for (const Deadline limit = patience(); !there();) {
            ASSERT_FALSE(limit.passed()) << guest_->log();
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }
    void kill_vmm() const {
        const auto pidfd = sys::pidfd(vm_.pid);
        ASSERT_TRUE(sys::pidfd_signal(pidfd->get(), SIGKILL));
        ASSERT_TRUE(Waiter{patience()}.until(pidfd->get(), POLLIN));
    }
};

TEST_F(Control, ARequestThatIsSentAgainIsTheSameUpdateInEveryGeneration) {
    boot();
    UpdateRequest request;
    request.key = "the-first";
    ASSERT_NO_FATAL_FAILURE(move(request));
    const auto again = guest_->client().start_update(request);
    ASSERT_TRUE(again) << again.error().what();
    EXPECT_EQ(again->id, "1-1");
    EXPECT_EQ(again->status, UpdateStatus::Completed);
    auto other = request;
    other.mode = "cpr-transfer";
    const auto misused = guest_->client().start_update(other);
    EXPECT_EQ(misused.code(), Code::Invalid);
    EXPECT_THAT(misused.error().what(), HasSubstr("1-1"));
    ASSERT_NO_FATAL_FAILURE(move()); // from the journal now
    EXPECT_EQ(guest_->client().start_update(request).value().id, "1-1");
    EXPECT_EQ(vm().generation, 3u);
}

// The metronome has no ACPI.
TEST_F(Control, AButtonThatNobodyHearsIsRefusedAndQuitEndsTheGuest) {
    boot();
    ASSERT_NO_FATAL_FAILURE(move());
    const Status pressed = guest_->client().shutdown();
    ASSERT_EQ(pressed.code(), Code::Refused);
    EXPECT_THAT(pressed.error().what(), HasSubstr("power button"));
    EXPECT_THAT(pressed.error().way_out(), HasSubstr("--force"));
    EXPECT_EQ(vm().state, report::RunState::Running);
    const auto vmm = sys::pidfd(vm().pid);
    ASSERT_TRUE(guest_->client().quit());
    EXPECT_TRUE(Waiter{patience()}.until(vmm->get(), POLLIN));
}

TEST_F(Control, AnUpdateOfAnotherGenerationIsRefused) {
    boot();
    UpdateRequest request;
    request.expected_generation = 1;
    ASSERT_NO_FATAL_FAILURE(move(request));
    const auto late = guest_->client().start_update(request);
    ASSERT_EQ(late.code(), Code::Refused);
    EXPECT_THAT(late.error().what(), HasSubstr("generation 2"));
    EXPECT_THAT(late.error().what(), HasSubstr("expects generation 1"));
    EXPECT_EQ(vm().generation, 2u);
}

TEST_F(Control, EveryGenerationListsAllUpdatesWithBothHalves) {
    boot();
    EXPECT_TRUE(guest_->client().updates(100)->empty());
    const auto refused = update(with_program("exit 1"));
    EXPECT_EQ(refused.status, UpdateStatus::Failed);
    ASSERT_NO_FATAL_FAILURE(move());
    ASSERT_NO_FATAL_FAILURE(move());
    const auto all = guest_->client().updates(100);
    ASSERT_TRUE(all) << all.error().what();
    EXPECT_THAT(ids_of(*all), testing::ElementsAre("2-3", "1-2", "1-1"));
    for (const auto& r : *all)
        EXPECT_EQ(r.guest, vm_.uuid);
    EXPECT_THAT(all->at(2).error->what(), HasSubstr("exit")) << "with its reason";
    std::vector<Phase> phases;
    for (const auto& p : all->at(1).phases)
        phases.push_back(p.phase);
    EXPECT_THAT(phases,
                testing::ElementsAre(Phase::Preflight, Phase::Prepare, Phase::Copy, Phase::Pause,
                                     Phase::Handover, Phase::Commit, Phase::Retire));
    EXPECT_THAT(ids_of(guest_->client().updates(1).value()), testing::ElementsAre("2-3"));
    EXPECT_EQ(guest_->client().update("1-1")->status, UpdateStatus::Failed);
    const auto cancel = guest_->client().cancel_update();
    EXPECT_EQ(cancel.code(), Code::Refused);
    EXPECT_THAT(cancel.error().what(), HasSubstr("too late: update 2-3"));
}

TEST_F(Control, AFinalRecordMeansThatTheNextUpdateIsTaken) {
    boot();
    const auto request = with_program("exit 1");
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(update(request).status, UpdateStatus::Failed);
    EXPECT_TRUE(guest_->client().pause());
}

TEST_F(Control, PluginsAreThoseThatAreOpen) {
    boot();
    const auto plugins = guest_->client().plugins();
    ASSERT_TRUE(plugins) << plugins.error().what();
    std::vector<std::string> names;
    for (const auto& p : *plugins) {
        names.push_back(p.kind + "/" + p.id);
        EXPECT_THAT(p.table, testing::StartsWith("segue." + p.kind));
        EXPECT_FALSE(p.version.empty());
        EXPECT_TRUE(std::filesystem::exists(p.file)) << p.file;
        if (p.id == "unix") {
            EXPECT_THAT(p.uses, testing::UnorderedElementsAre("cpr", "main"));
        }
    }
    EXPECT_THAT(names, testing::UnorderedElementsAre("mode/cpr-transfer", "transport/unix",
                                                     "memory/memfd", "keeper/exec"));
}

TEST_F(Control, TheGroupGetsToTheSocketAndToNothingElse) {
    const struct group* own = ::getgrgid(::getegid());
    ASSERT_NE(own, nullptr);
    auto spec = usual_spec();
    spec.set = {"control.socket.group=" + std::string(own->gr_name), "control.socket.mode=0660"};
    boot(spec);
    for (int generation = 1; generation <= 2; ++generation) {
        struct stat folder = {}, socket = {}, record = {};
        ASSERT_EQ(::stat(guest_->places().run.c_str(), &folder), 0);
        ASSERT_EQ(::stat(guest_->places().api_socket().c_str(), &socket), 0);
        ASSERT_EQ(::stat(guest_->places().owner().c_str(), &record), 0);
        EXPECT_EQ(folder.st_mode & 0777, 0710u);
        EXPECT_EQ(socket.st_mode & 0777, 0660u);
        EXPECT_EQ(record.st_mode & 0777, 0600u);
        EXPECT_EQ(socket.st_gid, own->gr_gid);
        if (generation == 1) {
            ASSERT_NO_FATAL_FAILURE(move());
        }
    }
}

TEST_F(Control, AnOwnerThatDiesInAnUpdateIsInTheJournal) {
    boot();
    const auto begun = guest_->client().start_update(with_program("kill -STOP $$"));
    ASSERT_TRUE(begun) << begun.error().what();
    ASSERT_NO_FATAL_FAILURE(await_phase(begun->id, Phase::Prepare));
    kill_vmm();
    auto journal = guest_->journal();
    ASSERT_EQ(journal.size(), 1u);
    EXPECT_EQ(journal[0].status, UpdateStatus::Setup) << "begun, and nothing more";

    ASSERT_TRUE(guest_->start()); // whoever comes next writes it down
    journal = guest_->journal();
    ASSERT_EQ(journal.size(), 1u);
    EXPECT_EQ(journal[0].status, UpdateStatus::Failed);
    EXPECT_THAT(journal[0].error->what(), HasSubstr("no result was written"));
    EXPECT_THAT(journal[0].error->what(), HasSubstr("died in phase prepare"));
    EXPECT_TRUE(guest_->client().updates(100)->empty()) << "of another guest with that name";
}

} // namespace
} // namespace segue::integration
