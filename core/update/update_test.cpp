// SPDX-License-Identifier: Apache-2.0
// Updates that go well, from end to end, on fake ports.
#include <thread>

#include "core/update/two_sides_test.hpp"

namespace segue::update {
namespace {

using report::Phase;
using report::RunState;

class Update : public TwoSides {};

TEST_F(Update, MovesARunningGuest) {
    const auto r = update();
    expect_moved(r);
    EXPECT_EQ(report_.phases,
              (std::vector{Phase::Preflight, Phase::Prepare, Phase::Copy, Phase::Pause,
                           Phase::Handover, Phase::Commit, Phase::Retire}));
    EXPECT_EQ(candidate().report.phases, (std::vector{Phase::Prepare, Phase::Copy, Phase::Handover,
                                                      Phase::Commit, Phase::Retire}));
    EXPECT_EQ(ownership_->word(), (Word{2, 1, Owner::Owned}));
    EXPECT_EQ(candidate().guest.generation, 2u);
}

TEST_F(Update, CompleteBeforeThePauseAndOneRunnerAtATime) {
    expect_moved(update());
    const auto before = [&](const std::string& a, const std::string& b) {
        ASSERT_GE(script_.first(a), 0) << a;
        ASSERT_GE(script_.first(b), 0) << b;
        EXPECT_LT(script_.first(a), script_.first(b)) << a << " comes before " << b;
    };
    before("new machine build", "new machine rehearse");
    before("new machine rehearse", "old devices settle");
    before("old devices settle", "old frontend hold");
    before("old frontend hold", "old vcpus stop");
    before("old vcpus stop", "old devices quiesce");
    before("old devices quiesce", "old machine save");
    before("old machine save", "new machine load");
    before("new machine load", "new devices claim");
    before("new devices claim", "new vcpus run");
    before("new vcpus run", "new devices activate");
    EXPECT_EQ(script_.count("old vcpus run"), 0);
    EXPECT_EQ(script_.count("old devices activate"), 0);
}

TEST_F(Update, APausedGuestStaysPaused) {
    pause_by_hand();
    expect_moved(update(), RunState::Paused);
    EXPECT_EQ(script_.count("new vcpus run"), 0);
    EXPECT_EQ(script_.count("new devices activate"), 0);
    ASSERT_TRUE(candidate().run.resume());
    EXPECT_TRUE(candidate().vcpus.running && candidate().devices.working);
}

TEST_F(Update, TheSameFilesArriveUnderTheirNames) {
    inventory_.blocks()[0].base()[4096] = std::byte{42};
    expect_moved(update());
    const auto& there = candidate().inventory;
    for (const auto& item : inventory_.items())
        EXPECT_EQ(inventory::FileId::of(there.find(item.name)).value(),
                  inventory::FileId::of(item.fd.get()).value())
            << item.name;
    ASSERT_EQ(there.blocks().size(), 1u);
    EXPECT_EQ(inventory::FileId::of(there.blocks()[0].fd.get()).value(),
              inventory::FileId::of(inventory_.blocks()[0].fd.get()).value());
    there.blocks()[0].base()[4096] = std::byte{43};
    EXPECT_EQ(inventory_.blocks()[0].base()[4096], std::byte{43}) << "the very same page";
}

TEST_F(Update, MoreDescriptorsThanOneMessageHolds) {
    for (int i = 0; i < 300; ++i)
        ASSERT_TRUE(inventory_.add(
            inventory::Item{"item" + std::to_string(i), sys::memfd(std::to_string(i), 0).value()}));
    expect_moved(update());
    for (const auto& item : inventory_.items())
        EXPECT_EQ(inventory::FileId::of(candidate().inventory.find(item.name)).value(),
                  inventory::FileId::of(item.fd.get()).value())
            << item.name;
}

TEST_F(Update, TheNewSidesRecordHasBothHalves) {
    const auto old_half = update();
    expect_moved(old_half);
    const report::UpdateRecord& r = candidate().record;
    EXPECT_EQ(r.attempt, 1u);
    EXPECT_EQ(r.mode, "fake");
    EXPECT_GT(r.state_bytes, 0u);
    EXPECT_GT(r.blackout.count(), 0);
    EXPECT_EQ(r.status, report::UpdateStatus::Completed);
    std::vector<Phase> phases;
    for (const auto& p : r.phases)
        phases.push_back(p.phase);
    for (const Phase p : {Phase::Preflight, Phase::Prepare, Phase::Pause, Phase::Handover,
                          Phase::Commit, Phase::Retire})
        EXPECT_NE(std::find(phases.begin(), phases.end(), p), phases.end()) << name_of(p);
    ASSERT_EQ(candidate().report.ends.size(), 1u);
}

// From the stop of the vCPUs on, whatever the phases may take.
TEST_F(Update, APauseBeyondItsBudgetIsTakenBackAndSaysWhere) {
    request_.deadlines.pause = std::chrono::seconds(20);
    request_.deadlines.blackout_budget = std::chrono::milliseconds(500);
    for (const auto& [verb, phase] :
         {std::pair{"old vcpus stop", "pause"}, {"old machine save", "handover"}}) {
        SCOPED_TRACE(verb);
        script_.clear();
        script_.on(verb, [this]() -> Status {
            std::this_thread::sleep_for(request_.deadlines.blackout_budget);
            return {};
        });
        ASSERT_NO_FATAL_FAILURE(expect_unharmed(update(), phase));
        EXPECT_EQ(code_, Code::Deadline);
    }
}

class CopiedRam : public TwoSides, public testing::WithParamInterface<const char*> {};

TEST_P(CopiedRam, ArrivesInABlockOfItsOwn) {
    plugins_.options = new_options_ = {{"ram", GetParam()}};
    inventory_.blocks()[0].base()[8192] = std::byte{9};
    const report::UpdateRecord r = update();
    expect_moved(r);
    const auto& there = candidate().inventory.blocks().at(0);
    EXPECT_NE(inventory::FileId::of(there.fd.get()).value(),
              inventory::FileId::of(inventory_.blocks()[0].fd.get()).value());
    EXPECT_EQ(there.base()[8192], std::byte{9});
    EXPECT_EQ(r.copy.value().total, 1u << 20);
    EXPECT_EQ(candidate().record.ram_bytes_copied, 4096u) << "zero pages need no bytes";
    EXPECT_EQ(candidate().record.requests_in_flight, 3u);
}
INSTANTIATE_TEST_SUITE_P(Update, CopiedRam, testing::Values("before", "in-pause"));

TEST_F(Update, LeavesNothingOpen) {
    (void)update();
    launcher_.candidates.clear();
    // A second guest of the same kind, so that nothing is new any more.
    const auto before = open_descriptors();
    ownership_.emplace(Ownership::create(dir_ / "owner2", guest_.uuid).value());
    run_.finish();
    run_.start();
    (void)update();
    launcher_.candidates.clear();
    EXPECT_EQ(open_descriptors(), before);
}

} // namespace
} // namespace segue::update
