// SPDX-License-Identifier: Apache-2.0
// Whatever fails before the commit, on either side and in any phase: the guest stays, as it was.
#include <csignal>

#include "core/update/two_sides_test.hpp"

namespace segue::update {
namespace {

using report::Phase;
using report::RunState;

// What fails, and the phase in which the old side sees it; "": that of its hook or the next, as it
// happens to hear of it.
struct Fault {
    std::string what, phase;
    friend std::ostream& operator<<(std::ostream& out, const Fault& f) { return out << f.what; }
};

std::string named(const testing::TestParamInfo<Fault>& info) {
    std::string name = info.param.what;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return std::isalnum(c) == 0; }, '_');
    return name;
}

class FailingVerb : public TwoSides, public testing::WithParamInterface<Fault> {};

TEST_P(FailingVerb, LeavesARunningGuestRunning) {
    script_.fail(GetParam().what);
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, GetParam().phase));
    EXPECT_NE(r.error->what().find(GetParam().what), std::string::npos) << r.error->what();
}

TEST_P(FailingVerb, LeavesAPausedGuestPaused) {
    if (GetParam().what == "old vcpus stop" || GetParam().what == "old devices quiesce")
        return; // no step of an update of a paused guest
    pause_by_hand();
    script_.fail(GetParam().what);
    expect_unharmed(update(), GetParam().phase, RunState::Paused);
    EXPECT_EQ(script_.count("old vcpus run"), 0);
}

TEST_P(FailingVerb, LeavesTheNextUpdateFree) {
    script_.fail(GetParam().what);
    expect_unharmed(update(), GetParam().phase);
    launcher_.candidates.clear();
    script_.clear();
    const auto r = update();
    expect_moved(r);
    EXPECT_EQ(r.attempt, 2u);
    EXPECT_EQ(ownership_->word(), (Word{2, 2, Owner::Owned}));
}

INSTANTIATE_TEST_SUITE_P(
    Rollback, FailingVerb,
    testing::Values(Fault{"old machine describe", "prepare"},
                    Fault{"old launcher start", "prepare"}, Fault{"new machine build", "prepare"},
                    Fault{"new machine rehearse", "prepare"}, Fault{"old devices settle", "copy"},
                    Fault{"old frontend hold", "copy"}, Fault{"old vcpus stop", "pause"},
                    Fault{"old devices quiesce", "pause"}, Fault{"old machine save", "handover"},
                    Fault{"new machine load", ""}, Fault{"new devices claim", ""}),
    named);

class FailingHook : public TwoSides, public testing::WithParamInterface<Fault> {};

TEST_P(FailingHook, OnTheOldSide) {
    plugins_.options["fail"] = GetParam().what;
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, GetParam().phase));
    EXPECT_EQ(r.error->detail("plugin"), "mode/fake");
    EXPECT_NE(r.error->what().find("told to fail in " + GetParam().what), std::string::npos);
}

TEST_P(FailingHook, OnTheNewSide) {
    if (GetParam().what == "check")
        return; // the new side's is the probe's
    new_options_["fail"] = GetParam().what;
    const auto r = update();
    ASSERT_TRUE(r.error);
    EXPECT_NE(r.error->what().find("told to fail in " + GetParam().what), std::string::npos)
        << r.error->what();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, r.error->detail("phase")));
}

INSTANTIATE_TEST_SUITE_P(Rollback, FailingHook,
                         testing::Values(Fault{"create", "preflight"}, Fault{"plan", "preflight"},
                                         Fault{"check", "preflight"}, Fault{"prepare", "prepare"},
                                         Fault{"copy", "copy"}, Fault{"handover", "handover"}),
                         named);

class Rollback : public TwoSides {};

TEST_F(Rollback, TellsAFailedReclaimBesideTheReason) {
    script_.fail("new devices claim"); // it had claimed something
    script_.fail("old devices reclaim");
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, ""));
    EXPECT_FALSE(r.error->detail("reclaim").empty()) << r.error->what();
}

TEST_F(Rollback, TakesBackWhatWasClaimedBeforeTheGuestRuns) {
    script_.fail("new devices claim");
    expect_unharmed(update(), "");
    ASSERT_EQ(script_.count("old devices reclaim"), 1);
    EXPECT_LT(script_.first("old devices reclaim"), script_.first("old vcpus run"));
}

TEST_F(Rollback, ReclaimsNothingWhereNothingWasClaimed) {
    script_.fail("new machine load");
    expect_unharmed(update(), "");
    EXPECT_EQ(script_.count("old devices reclaim"), 0);
}

TEST_F(Rollback, ANewSideThatGetsNoStateIsNotGivenTheGuest) {
    plugins_.options["skip"] = "state";
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "handover"));
    EXPECT_EQ(r.error->detail("plugin"), "mode/fake");
}

TEST_F(Rollback, ANewSideThatTakesNoStateRefuses) {
    new_options_["skip"] = "state";
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, ""));
    EXPECT_NE(r.error->what().find("without the state"), std::string::npos);
}

TEST_F(Rollback, ADescriptorThatNeverCameIsNamed) {
    plugins_.options["skip"] = new_options_["skip"] = "inventory";
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "prepare"));
    EXPECT_EQ(r.error->detail("block"), "ram0");
}

TEST_F(Rollback, APageThatNeverCameIsARefusal) {
    plugins_.options = {{"ram", "before"}, {"skip", "page"}};
    new_options_ = {{"ram", "before"}};
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, ""));
    EXPECT_EQ(r.error->detail("block"), "ram0");
    EXPECT_NE(r.error->what().find("1 pages"), std::string::npos) << r.error->what();
}

TEST_F(Rollback, SidesThatPlanRamDifferentlyRefuse) {
    new_options_ = {{"ram", "before"}};
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "prepare"));
    EXPECT_EQ(r.error->detail("plugin"), "mode/fake");
}

TEST_F(Rollback, AnotherConfigurationIsRefusedByItsKey) {
    new_identity_[0].second = "4";
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "prepare"));
    EXPECT_NE(r.error->what().find("guest.vcpus"), std::string::npos) << r.error->what();
}

class CancelIn : public TwoSides, public testing::WithParamInterface<Phase> {};

TEST_P(CancelIn, BringsTheGuestBack) {
    report_.at = GetParam();
    report_.act = [this] { sys::signal_event(cancel_.get()); };
    const auto r = update();
    EXPECT_EQ(code_, Code::Cancelled);
    EXPECT_EQ(r.status, report::UpdateStatus::Cancelled);
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, name_of(GetParam())));
}

TEST_P(CancelIn, LeavesNoDescriptorOpen) {
    report_.at = Phase::Prepare;
    report_.act = [this] { sys::signal_event(cancel_.get()); };
    (void)update();
    launcher_.candidates.clear();
    const auto before = open_descriptors();
    sys::clear_event(cancel_.get());
    report_.at = GetParam();
    EXPECT_EQ(update().error->detail("phase"), name_of(GetParam()));
    launcher_.candidates.clear();
    EXPECT_EQ(open_descriptors(), before);
}

INSTANTIATE_TEST_SUITE_P(Rollback, CancelIn,
                         testing::Values(Phase::Preflight, Phase::Prepare, Phase::Copy,
                                         Phase::Pause, Phase::Handover, Phase::Commit),
                         [](const auto& at) { return name_of(at.param); });

TEST_F(Rollback, ACancelBeforeTheUpdateTouchesNothing) {
    report_.at = Phase::Preflight;
    report_.act = [this] { sys::signal_event(cancel_.get()); };
    (void)update();
    EXPECT_TRUE(launcher_.candidates.empty());
}

TEST_F(Rollback, ACancelThatComesTooLateChangesNothing) {
    report_.at = Phase::Retire;
    report_.act = [this] { sys::signal_event(cancel_.get()); };
    expect_moved(update());
}

} // namespace
} // namespace segue::update
