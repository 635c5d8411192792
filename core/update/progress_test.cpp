// SPDX-License-Identifier: Apache-2.0
// What is told about an update, and what is known about the pages that came.
#include "core/update/progress.hpp"

#include <gtest/gtest.h>

#include "core/report/recording.hpp"
#include "core/update/received.hpp"

namespace segue::update {
namespace {

using report::Phase;
using report::UpdateStatus;

TEST(Progress, EveryPhaseHasItsTime) {
    report::Recording told;
    Progress p(told, {});
    EXPECT_EQ(p.phase(), Phase::Preflight) << "before the first";
    p.enter(Phase::Prepare);
    EXPECT_EQ(p.snapshot().status, UpdateStatus::Setup);
    p.enter(Phase::Pause);
    EXPECT_EQ(p.snapshot().status, UpdateStatus::Device);
    p.end(UpdateStatus::Completed, std::nullopt);
    const auto r = p.snapshot();
    ASSERT_EQ(r.phases.size(), 2u);
    EXPECT_GT(r.phases[0].began.count(), 0);
    EXPECT_LE(r.phases[0].ended, r.phases[1].began);
    EXPECT_GT(r.phases[1].ended.count(), 0);
    EXPECT_EQ(told.phases, (std::vector{Phase::Prepare, Phase::Pause}));
    ASSERT_EQ(told.ends.size(), 1u);
    EXPECT_EQ(told.ends[0].status, UpdateStatus::Completed);
}

TEST(Progress, ARollbackKeepsTheErrorThatLedToIt) {
    report::Recording told;
    Progress p(told, {});
    p.enter(Phase::Copy);
    p.enter(Phase::Rollback);
    EXPECT_EQ(p.snapshot().status, UpdateStatus::Active) << "not final yet";
    p.end(UpdateStatus::Failed, Error(Code::Io, "why"));
    EXPECT_EQ(p.snapshot().error->what(), "why");
}

TEST(ReceivedMap, CountsEachPageOnce) {
    ReceivedMap map(130);
    EXPECT_EQ(map.missing(), 130u);
    map.mark(0, 1);
    map.mark(0, 1);
    EXPECT_EQ(map.missing(), 129u);
    map.mark(60, 70); // over three words, to the end
    EXPECT_EQ(map.missing(), 59u);
    map.mark(0, 130);
    EXPECT_EQ(map.missing(), 0u);
    map.mark(129, 0);
    EXPECT_EQ(ReceivedMap(0).missing(), 0u);
}

} // namespace
} // namespace segue::update
