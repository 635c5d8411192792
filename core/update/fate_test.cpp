// SPDX-License-Identifier: Apache-2.0
#include "core/update/fate.hpp"

#include <gtest/gtest.h>

#include "core/base/temp_dir.hpp"
#include "core/state/inspect.hpp"
#include "core/update/ownership.hpp"

namespace segue::update {
namespace {

using report::Phase;
using report::UpdateStatus;

struct FateTest : testing::Test {
    FateTest() {
        EXPECT_TRUE(create(places));
        owner.emplace(Ownership::create(places.owner(), uuid).value());
        record.guest = state::format_uuid(uuid);
        record.id = "1-1";
        record.from_generation = 1;
        record.attempt = owner->next_attempt().value();
        record.from_pid = 4711;
        owner->set_mark({1, Phase::Copy});
    }
    // The record, once somebody looked.
    report::UpdateRecord found(bool lives) {
        auto r = record;
        find_fate(r, places, lives);
        return r;
    }
    void expect_dead(const std::string& text) {
        const auto r = found(false);
        ASSERT_TRUE(r.error);
        EXPECT_EQ(r.status, UpdateStatus::Failed);
        EXPECT_EQ(r.error->what().find("no result was written"), 0u);
        EXPECT_NE(r.error->what().find(text), std::string::npos) << r.error->what();
        EXPECT_FALSE(r.error->way_out().empty());
    }

    TempDir dir;
    GuestPlaces places{dir / "run", dir / "state"};
    state::Uuid uuid{1, 2, 3};
    std::optional<Ownership> owner;
    report::UpdateRecord record;
};

TEST_F(FateTest, WhatALivingVmmIsAtIsLeftAlone) {
    EXPECT_FALSE(report::is_final(found(true).status));
    ASSERT_TRUE(owner->offer(1, 1));
    ASSERT_TRUE(owner->claim(2, 1));
    EXPECT_FALSE(report::is_final(found(true).status)) << "about to be written";
}

TEST_F(FateTest, AnOwnerThatDiedIsNamedWithItsPhase) {
    expect_dead("process " + std::to_string(::getpid()) + " of generation 1, died in phase copy");
    owner->set_mark({1, Phase::Rollback});
    expect_dead("died in phase rollback");
    EXPECT_EQ(found(false).error->detail("phase"), "rollback");
}

TEST_F(FateTest, AnOfferThatNobodyTook) {
    ASSERT_TRUE(owner->offer(1, 1));
    expect_dead("offered to the next generation");
    ASSERT_TRUE(owner->claim(2, 1));
    expect_dead("of generation 2, died in phase retire");
}

TEST_F(FateTest, WhatWasGivenToAnotherHostMayRunThere) {
    for (const auto how_far : {report::SwitchOver::Relinquished, report::SwitchOver::InDoubt}) {
        record.switch_over = how_far;
        expect_dead("given to another host");
        EXPECT_NE(found(false).error->way_out().find("segue resolve"), std::string::npos);
        EXPECT_FALSE(report::is_final(found(true).status)) << "it waits for an answer";
    }
}

TEST_F(FateTest, AnEarlierUpdateOrAnotherGuestIsNotTheOneThatRuns) {
    owner->set_mark({owner->next_attempt().value(), Phase::Pause});
    EXPECT_EQ(found(true).status, UpdateStatus::Failed);
    expect_dead("process 4711 died in the update");
    record.attempt = 2;
    EXPECT_FALSE(report::is_final(found(true).status));
    record.guest = state::format_uuid({9});
    EXPECT_EQ(found(true).status, UpdateStatus::Failed);
    expect_dead("or the host was restarted");
    ASSERT_EQ(::unlink(places.owner().c_str()), 0);
    expect_dead("or the host was restarted");
}

} // namespace
} // namespace segue::update
