// SPDX-License-Identifier: Apache-2.0
// request_test.cpp - while an update runs: another one, a cancel, and what the guest itself does.
#include <future>

#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

class Edges : public FaultTest, public testing::WithParamInterface<const char*> {
protected:
    // The parameter is "SIDE PHASE".
    Edge edge() const { return GetParam(); }
    // Lets a cancel that is on its way take effect. An old process that waits for a held new one
    // sees it by itself, and ends that one.
    void cancelled() {
        if (edge().substr(0, 3) != "old")
            return;
        await_cancel_in(old_);
        barriers_->release(edge());
    }
};
std::string edge_name(const testing::TestParamInfo<const char*>& row) {
    std::string name = row.param;
    name[3] = '_';
    return name;
}

TEST_F(FaultTest, ASecondUpdateIsRefusedAndHarmsNothing) {
    boot();
    update_until("old copy");
    const auto second = guest_->client().start_update({});
    ASSERT_FALSE(second);
    EXPECT_STREQ(name_of(second.error().code()), "exists");
    EXPECT_THAT(second.error().what(), testing::HasSubstr(id_));
    EXPECT_THAT(second.error().way_out(), testing::HasSubstr("cancel"));
    barriers_->release("old copy");
    expect_moved();
}

TEST_F(FaultTest, ACancelWithoutAnUpdateSaysSo) {
    boot();
    EXPECT_STREQ(name_of(guest_->client().cancel_update().code()), "not-found");
}

// --- a cancel

class CancelInTime : public Edges {};
TEST_P(CancelInTime, LeavesTheGuestWhereItIs) {
    boot();
    update_until(edge());
    auto answer = std::async(std::launch::async, [&] { return guest_->client().cancel_update(); });
    cancelled();
    const Status cancelled = answer.get();
    EXPECT_TRUE(cancelled) << cancelled.error().what();
    expect_cancelled();
}
INSTANTIATE_TEST_SUITE_P(Fault, CancelInTime,
                         testing::Values("old preflight", "old prepare", "new prepare", "old copy"),
                         edge_name);

// From the pause on the socket waits: whoever has the guest afterwards answers.
class CancelTooLate : public Edges {};
TEST_P(CancelTooLate, IsAnsweredByTheNewOne) {
    boot();
    update_until(edge());
    auto answer = std::async(std::launch::async, [&] { return guest_->client().cancel_update(); });
    barriers_->release(edge());
    const Status cancelled = answer.get();
    ASSERT_FALSE(cancelled);
    EXPECT_STREQ(name_of(cancelled.error().code()), "refused");
    EXPECT_THAT(cancelled.error().what(), testing::HasSubstr("too late: update " + id_));
    expect_moved();
}
INSTANTIATE_TEST_SUITE_P(Fault, CancelTooLate,
                         testing::Values("old pause", "old handover", "old commit", "new commit",
                                         "new retire", "old retire"),
                         edge_name);

// --- the guest's own acts

// The event goes first: the update is cancelled, then what the guest asked for is done.
class GuestActs : public Edges {
protected:
    void act(char c) {
        boot();
        update_until(edge());
        ASSERT_TRUE(guest_->type(c));
        cancelled();
    }
    // By the cancel, or because the guest could not be stopped any more.
    static bool gave_way(const report::UpdateRecord& r) {
        return r.status == report::UpdateStatus::Cancelled ||
               (r.status == report::UpdateStatus::Failed && r.error &&
                r.error->what().find("the guest is not running") != std::string::npos);
    }
    void expect_reset() {
        const Status again = guest_->page().boots_again(2, patience());
        EXPECT_TRUE(again) << again.error().what();
        EXPECT_TRUE(guest_->page().verify(patience()));
        EXPECT_TRUE(gave_way(over()));
        EXPECT_TRUE(gave_way(journal_entry()));
        expect_nothing_left(old_);
    }
};

TEST_P(GuestActs, PowerOff) {
    act('q');
    const auto exit = wait_exit(guest_->first(), patience());
    ASSERT_TRUE(exit) << exit.error().what();
    EXPECT_EQ(to_string(*exit), "exited with 0");
    expect_gone();
    EXPECT_TRUE(gave_way(journal_entry()));
}
TEST_P(GuestActs, Reset) {
    act('r');
    expect_reset();
}
TEST_P(GuestActs, TripleFault) {
    act('t');
    expect_reset();
}
INSTANTIATE_TEST_SUITE_P(Fault, GuestActs,
                         testing::Values("old preflight", "old prepare", "new prepare", "old copy"),
                         edge_name);

// From the pause on the console is parked: what is typed reaches the guest where it goes on.
class GuestActsLater : public Edges {
protected:
    void act(char c) {
        boot();
        update_until(edge());
        ASSERT_TRUE(guest_->type(c));
        barriers_->release(edge());
    }
};

TEST_P(GuestActsLater, PowerOff) {
    act('q');
    expect_exit(old_);
    expect_gone();
    EXPECT_STREQ(report::name_of(journal_entry().status), "completed");
}
TEST_P(GuestActsLater, Reset) {
    act('r');
    const Status again = guest_->page().boots_again(2, patience());
    EXPECT_TRUE(again) << again.error().what();
    EXPECT_TRUE(guest_->page().verify(patience()));
    const report::UpdateRecord r = over();
    EXPECT_STREQ(report::name_of(r.status), "completed");
    expect_exit(old_);
    expect_nothing_left(r.to_pid);
}
INSTANTIATE_TEST_SUITE_P(Fault, GuestActsLater,
                         testing::Values("old pause", "old handover", "old commit", "new commit",
                                         "new retire"),
                         edge_name);

} // namespace
} // namespace segue::fault
