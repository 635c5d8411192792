// SPDX-License-Identifier: Apache-2.0
// Dry runs against a running guest: what the shipped programs answer, and that nothing is touched.
#include <algorithm>

#include "tests/integration/update_test.hpp"

namespace segue::integration {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Preflight : public UpdateTest {
protected:
    report::Verdict ask(const control::UpdateRequest& request = {}) {
        auto verdict = guest_->client().preflight(request);
        EXPECT_TRUE(verdict) << verdict.error().what();
        return verdict ? *verdict : report::Verdict{};
    }
};

TEST_F(Preflight, ANewVersionProvesItselfAndTheGuestIsNotTouched) {
    boot();
    control::UpdateRequest next;
    next.binary = SEGUE_VMM_NEXT;
    const auto v = ask(next);
    EXPECT_THAT(v.blockers, IsEmpty());
    EXPECT_NE(v.to_version, v.from_version);
    EXPECT_FALSE(v.to_version.empty());
    EXPECT_FALSE(v.blackout.known());
    const auto after = vm();
    EXPECT_EQ(after.pid, vm_.pid);
    EXPECT_EQ(after.generation, vm_.generation);
    EXPECT_EQ(after.update, "") << "a dry run is no update";
    EXPECT_THAT(guest_->client().updates(10).value(), IsEmpty());
    move(next); // and what it said is true
    EXPECT_EQ(vm_.version, v.to_version);
}

TEST_F(Preflight, EveryThingInTheWayIsNamedWithItsWayOut) {
    boot();
    control::UpdateRequest wrong;
    wrong.binary = "/bin/true";
    const auto v = ask(wrong);
    ASSERT_EQ(v.blockers.size(), 1u);
    EXPECT_THAT(v.blockers[0].what(), HasSubstr("does not stand the probe"));
    EXPECT_THAT(v.blockers[0].way_out(), HasSubstr("/bin/true"));
    control::UpdateRequest unknown;
    unknown.mode = "no-such-mode";
    EXPECT_THAT(ask(unknown).blockers.at(0).what(), HasSubstr("no-such-mode"));
    control::UpdateRequest late;
    late.expected_generation = 99;
    EXPECT_EQ(guest_->client().preflight(late).code(), Code::Refused);
}

TEST_F(Preflight, ARehearsalMeasuresTheBlackoutAndTheGuestStays) {
    test::GuestSpec spec = usual_spec();
    spec.vcpus = 2;
    spec.modes = {"cpr-transfer", "cpr-exec"};
    spec.backend = "file";
    spec.at_rest = "transport = 'file'";
    boot(spec);
    const control::VmInfo before = vm_;
    control::UpdateRequest request;
    request.binary = SEGUE_VMM_NEXT;
    request.rehearse = true;
    for (int i = 0; i < 3; ++i) {
        const report::UpdateRecord r = update(request);
        ASSERT_EQ(r.status, report::UpdateStatus::Completed) << (r.error ? r.error->what() : "");
        EXPECT_TRUE(r.rehearsal);
        EXPECT_GT(r.blackout.count(), 0);
        EXPECT_NE(r.to_version, r.from_version);
    }
    EXPECT_EQ(vm_.pid, before.pid);
    EXPECT_EQ(vm_.generation, before.generation);
    ASSERT_TRUE(guest_->page().verify(patience()));
    EXPECT_EQ(guest_->page().errors(), "");
    EXPECT_THAT(guest_->processes_until({vm_.pid}, patience()), testing::ElementsAre(vm_.pid));
    EXPECT_TRUE(guest_->journal().back().rehearsal);
    request.mode = "cpr-exec";
    const report::UpdateRecord r = update(request);
    ASSERT_TRUE(r.error);
    EXPECT_EQ(r.error->detail("phase"), "preflight");
    EXPECT_THAT(r.error->way_out(), HasSubstr("--dry-run"));
    request.rehearse = false;
    ASSERT_NO_FATAL_FAILURE(move(request)); // and it can be done
}

TEST_F(Preflight, TheBlackoutIsPredictedFromWhatWasSeenAcrossGenerations) {
    boot();
    std::vector<std::chrono::nanoseconds> seen;
    for (int i = 0; i < 5; ++i) {
        const auto r = update();
        ASSERT_EQ(r.status, report::UpdateStatus::Completed);
        seen.push_back(r.blackout);
    }
    const auto v = ask();
    ASSERT_TRUE(v.blackout.known());
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(v.blackout.median, seen[2]);
    EXPECT_EQ(v.blackout.bound, seen[4] * 3 / 2);
}

TEST_F(Preflight, OfTheNextTwentyEighteenStayBelowTheBound) {
    boot();
    for (int i = 0; i < 20; ++i)
        ASSERT_EQ(update().status, report::UpdateStatus::Completed);
    const auto bound = ask().blackout.bound;
    int below = 0;
    for (int i = 0; i < 20; ++i) {
        const auto r = update();
        ASSERT_EQ(r.status, report::UpdateStatus::Completed);
        below += r.blackout < bound ? 1 : 0;
    }
    EXPECT_GE(below, 18);
}

} // namespace
} // namespace segue::integration
