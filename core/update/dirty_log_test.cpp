// SPDX-License-Identifier: Apache-2.0
// The log of written pages is on where a mode's plan says so, from the copy phase on, and off again
// however the update ends.
#include "core/update/two_sides_test.hpp"

namespace segue::update {
namespace {

class DirtyLogged : public TwoSides {
protected:
    DirtyLogged() { plugins_.options = new_options_ = {{"dirty", "true"}, {"ram", "before"}}; }
    // On once, off once, before the guest's next owner was asked for anything more.
    void expect_on_and_off() {
        EXPECT_EQ(script_.count("old dirty-log start"), 1);
        EXPECT_EQ(script_.count("old dirty-log stop"), 1);
        EXPECT_FALSE(dirty_log_.on);
    }
};

TEST_F(DirtyLogged, IsOnForTheCopyAndThePause) {
    expect_moved(update());
    expect_on_and_off();
    EXPECT_LT(script_.first("new machine build"), script_.first("old dirty-log start"));
    EXPECT_LT(script_.first("old dirty-log start"), script_.first("old dirty-log take"));
    EXPECT_LT(script_.first("old dirty-log start"), script_.first("old vcpus stop"));
    EXPECT_LT(script_.first("old vcpus stop"), script_.first("old dirty-log guest-stopped"));
    EXPECT_LT(script_.first("new vcpus run"), script_.first("old dirty-log stop"));
    EXPECT_EQ(script_.count("old dirty-log look"), 2);
}

TEST_F(DirtyLogged, IsOffAfterARollback) {
    script_.fail("new machine load");
    expect_unharmed(update(), ""); // handover or commit: whenever the old side hears of it
    expect_on_and_off();
    EXPECT_LT(script_.first("old vcpus run"), script_.first("old dirty-log stop"));
}

TEST_F(DirtyLogged, IsOffAfterAFailureBeforeThePause) {
    plugins_.options["fail"] = "copy";
    expect_unharmed(update(), "copy");
    expect_on_and_off();
}

TEST_F(DirtyLogged, IsOffWhenTheWatchdogTakesTheGuestBack) {
    plugins_.options["hang"] = "copy";
    plugins_.options["gate"] = std::to_string(gate_.get());
    request_.deadlines.copy = std::chrono::milliseconds(50);
    report_.at = report::Phase::Rollback;
    report_.act = [this] { sys::signal_event(gate_.get()); };
    (void)update();
    expect_on_and_off();
    EXPECT_TRUE(run_.state() == report::RunState::Running);
}

TEST_F(DirtyLogged, ThatItCannotBeIsKnownBeforeAnythingIsStarted) {
    script_.fail("old dirty-log check");
    expect_unharmed(update(), "preflight");
    EXPECT_EQ(script_.count("old launcher start"), 0);
    EXPECT_EQ(script_.count("old dirty-log start"), 0);
}

TEST_F(DirtyLogged, ThatItDoesNotStartFailsTheUpdate) {
    script_.fail("old dirty-log start");
    expect_unharmed(update(), "copy");
    EXPECT_EQ(script_.count("old dirty-log stop"), 0);
}

TEST_F(TwoSides, NoModeThatDoesNotAskForTheLogHasIt) {
    expect_moved(update());
    EXPECT_EQ(script_.count("old dirty-log check"), 0);
    EXPECT_EQ(script_.count("old dirty-log start"), 0);
}

} // namespace
} // namespace segue::update
