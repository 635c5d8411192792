// SPDX-License-Identifier: Apache-2.0
// Updates to a VMM that shares nothing with this one but the connections: the whole engine on both
// sides.
#include <csignal>

#include "core/update/two_sides_test.hpp"

namespace segue::update {
namespace {

class Elsewhere : public TwoSides {
protected:
    Elsewhere() {
        plugins_.options =
            new_options_ = {{"handshake", "true"}, {"skip", "inventory"}, {"ram", "in-pause"}};
        request_.address = "away";
    }
    report::UpdateRecord update() {
        launcher_.candidates.push_back(std::make_unique<Candidate>(script_, dir_.path().string(),
                                                                   new_options_, new_identity_));
        candidate().start_elsewhere("away");
        return TwoSides::update();
    }
};

TEST_F(Elsewhere, MovesTheGuestToARecordOfItsOwn) {
    expect_moved(update());
    EXPECT_EQ(ownership_->word().state, Owner::Ended);
    EXPECT_EQ(candidate().ownership->word(), (Word{2, 1, Owner::Owned}));
    EXPECT_EQ(report_.steps, std::vector{report::SwitchOver::Relinquished});
    EXPECT_EQ(candidate().inventory.find("console"), -1) << "no descriptor went along";
}

TEST_F(Elsewhere, AFailureOnTheWayKeepsTheGuest) {
    script_.fail("new machine load");
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "commit"));
    EXPECT_TRUE(report_.steps.empty()) << "it was not given away";
}

TEST_F(Elsewhere, WhatCannotBeWrittenDownKeepsTheGuest) {
    report_.on_step = [](report::SwitchOver) { return Error(Code::Io, "the disk is full"); };
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "commit"));
    EXPECT_EQ(r.error->code(), Code::Io);
}

TEST_F(Elsewhere, WhoIsGoneBeforeRunGivesItBack) {
    report_.on_step = [this](report::SwitchOver) {
        (void)sys::pidfd_signal(candidate().kill.get(), SIGKILL).ok();
        candidate().thread.join(); // it has said so
        return Status();
    };
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "commit"));
}

TEST_F(Elsewhere, LocksPassBetweenGivenAwayAndRun) {
    expect_moved(update());
    EXPECT_LT(script_.first("old machine write-out"), script_.first("old vcpus stop"));
    EXPECT_EQ(script_.count("old machine let-go"), 1);
    EXPECT_EQ(script_.count("new machine take-hold"), 1);
    EXPECT_EQ(script_.count("old machine take-hold"), 0);
}

TEST_F(Elsewhere, ALockThatTheOtherSideDoesNotGetKeepsTheGuest) {
    script_.fail("new machine take-hold");
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "commit"));
    EXPECT_EQ(script_.count("old machine take-hold"), 1);
}

TEST_F(Elsewhere, WhatCannotGoIsNamedBefore) {
    script_.fail("old machine check-leaving");
    const auto r = TwoSides::update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "preflight"));
}

TEST_F(Elsewhere, AModeForOneHostIsRefused) {
    plugins_.options["handshake"] = "false";
    const auto r = TwoSides::update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "preflight"));
    EXPECT_NE(r.error->what().find("one host only"), std::string::npos);
}

TEST_F(Elsewhere, AModeForTwoHostsNeedsTheOther) {
    request_.address.clear();
    const auto r = TwoSides::update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "preflight"));
    EXPECT_NE(r.error->way_out().find("--channel"), std::string::npos);
}

} // namespace
} // namespace segue::update
