// SPDX-License-Identifier: Apache-2.0
// request_test.cpp - while an update runs: another one, a cancel, and what the guest itself does,
// in each mode.
#include <future>

#include "tests/fault/fault_test.hpp"

namespace segue::fault {
namespace {

struct At {
    const Mode* mode;
    const char* edge; // "SIDE PHASE"
};
void PrintTo(const At& row, std::ostream* out) {
    *out << row.mode->id << ", " << row.edge;
}
std::string name_of(const testing::TestParamInfo<At>& row) {
    return test_name(*row.param.mode, row.param.edge);
}

// Until the copy's end the old side hears everything, and gives way at once. In cpr-exec the new
// side is a probe then, which the old one waits for in its own prepare.
const At kEarly[] = {
    {&kTransfer, "old preflight"}, {&kTransfer, "old prepare"},   {&kTransfer, "new prepare"},
    {&kTransfer, "old copy"},      {&kExec, "old preflight"},     {&kExec, "old prepare"},
    {&kExec, "old copy"},          {&kReboot, "old preflight"},   {&kReboot, "old prepare"},
    {&kReboot, "new prepare"},     {&kReboot, "old copy"},        {&kPrecopy, "old preflight"},
    {&kPrecopy, "old prepare"},    {&kPrecopy, "new prepare"},    {&kPrecopy, "old copy"},
    {&kPrecopy, "new copy"},       {&kPostcopy, "old preflight"}, {&kPostcopy, "old prepare"},
    {&kPostcopy, "new prepare"},   {&kPostcopy, "old copy"},      {&kPostcopy, "new copy"},
    {&kPageFlip, "old preflight"}, {&kPageFlip, "old prepare"},   {&kPageFlip, "new prepare"},
    {&kPageFlip, "old copy"},      {&kPageFlip, "new copy"},
};
// From the pause on the control socket and the console wait: whoever has the guest afterwards
// answers, and hears what was typed. (A holder says meanwhile that one is to ask again.)
const At kLate[] = {
    {&kTransfer, "old pause"},    {&kTransfer, "old handover"}, {&kTransfer, "old commit"},
    {&kTransfer, "new commit"},   {&kTransfer, "new retire"},   {&kTransfer, "old retire"},
    {&kExec, "old pause"},        {&kExec, "old handover"},     {&kExec, "old commit"},
    {&kExec, "new prepare"},      {&kExec, "new handover"},     {&kExec, "new commit"},
    {&kExec, "new retire"},       {&kReboot, "old pause"},      {&kReboot, "old handover"},
    {&kReboot, "old commit"},     {&kReboot, "old retire"},     {&kReboot, "new handover"},
    {&kReboot, "new commit"},     {&kReboot, "new retire"},     {&kPrecopy, "old pause"},
    {&kPrecopy, "old handover"},  {&kPrecopy, "old commit"},    {&kPrecopy, "new commit"},
    {&kPrecopy, "new retire"},    {&kPrecopy, "old retire"},    {&kPostcopy, "old pause"},
    {&kPostcopy, "old handover"}, {&kPostcopy, "old commit"},   {&kPostcopy, "old fetch"},
    {&kPostcopy, "old retire"},   {&kPostcopy, "new commit"},   {&kPostcopy, "new fetch"},
    {&kPostcopy, "new retire"},   {&kPageFlip, "old pause"},    {&kPageFlip, "old handover"},
    {&kPageFlip, "old commit"},   {&kPageFlip, "new commit"},   {&kPageFlip, "new retire"},
    {&kPageFlip, "old retire"},
};

class Edges : public FaultTest, public testing::WithParamInterface<At> {
protected:
    void boot_and_reach() {
        boot(*GetParam().mode);
        update_until(edge());
    }
    Edge edge() const { return GetParam().edge; }
    // Lets a cancel that is on its way take effect. An old process that waits for a held new one
    // sees it by itself, and ends that one.
    void cancelled() {
        if (edge().substr(0, 3) != "old")
            return;
        await_cancel_in(old_);
        barriers_->release(edge());
    }
};

class Early : public Edges {
protected:
    // The event goes first: the update is cancelled, then what the guest asked for is done.
    void act(char c) {
        boot_and_reach();
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

TEST_P(Early, ACancelLeavesTheGuestWhereItIs) {
    boot_and_reach();
    auto answer = std::async(std::launch::async, [&] { return guest_->client().cancel_update(); });
    cancelled();
    const Status cancelled = answer.get();
    EXPECT_TRUE(cancelled) << cancelled.error().what();
    expect_cancelled();
}
TEST_P(Early, ThePowerGoesOff) {
    act('q');
    const auto exit = wait_exit(guest_->first(), patience());
    ASSERT_TRUE(exit) << exit.error().what();
    EXPECT_EQ(to_string(*exit), "exited with 0");
    expect_gone();
    EXPECT_TRUE(gave_way(journal_entry()));
}
TEST_P(Early, AResetHappensHere) {
    act('r');
    expect_reset();
}
TEST_P(Early, ATripleFaultHappensHere) {
    act('t');
    expect_reset();
}
INSTANTIATE_TEST_SUITE_P(Fault, Early, testing::ValuesIn(kEarly), name_of);

class Late : public Edges {
protected:
    void act(char c) {
        boot_and_reach();
        ASSERT_TRUE(guest_->type(c));
        barriers_->release(edge());
    }
    void expect_reset() {
        const report::UpdateRecord r = over();
        const Status again = guest_->page().boots_again(2, patience());
        EXPECT_TRUE(again) << again.error().what();
        EXPECT_TRUE(guest_->page().verify(patience()));
        EXPECT_STREQ(report::name_of(r.status), "completed");
        EXPECT_EQ(r.to_pid == old_, mode_->same_process);
        if (!mode_->same_process)
            expect_exit(old_);
        expect_nothing_left(r.to_pid);
    }
};

TEST_P(Late, ACancelIsAnsweredByTheNextGeneration) {
    boot_and_reach();
    auto answer = std::async(std::launch::async, [&] { return guest_->client().cancel_update(); });
    barriers_->release(edge());
    const Status cancelled = answer.get();
    ASSERT_FALSE(cancelled);
    EXPECT_STREQ(segue::name_of(cancelled.error().code()), "refused") << cancelled.error().what();
    const std::string over = "too late: update " + id_;
    const std::string comes = "too late: the guest runs here, and depends on both VMMs";
    EXPECT_THAT(
        cancelled.error().what(),
        testing::AnyOf(testing::HasSubstr(over), testing::HasSubstr(mode_->after ? comes : over)));
    expect_moved();
}
TEST_P(Late, ThePowerGoesOffInTheNextGeneration) {
    act('q');
    expect_exit(old_);
    expect_gone();
    EXPECT_STREQ(report::name_of(journal_entry().status), "completed");
}
TEST_P(Late, AResetHappensInTheNextGeneration) {
    act('r');
    expect_reset();
}
TEST_P(Late, ATripleFaultHappensInTheNextGeneration) {
    act('t');
    expect_reset();
}
INSTANTIATE_TEST_SUITE_P(Fault, Late, testing::ValuesIn(kLate), name_of);

// --- another one

class Second : public FaultTest, public testing::WithParamInterface<const Mode*> {};

TEST_P(Second, IsRefusedAndHarmsNothing) {
    boot(*GetParam());
    update_until("old copy");
    const auto second = guest_->client().start_update({});
    ASSERT_FALSE(second);
    EXPECT_STREQ(segue::name_of(second.error().code()), "exists");
    EXPECT_THAT(second.error().what(), testing::HasSubstr(id_));
    EXPECT_THAT(second.error().way_out(), testing::HasSubstr("cancel"));
    barriers_->release("old copy");
    expect_moved();
}
INSTANTIATE_TEST_SUITE_P(Fault, Second, testing::ValuesIn(kModes),
                         [](const auto& mode) { return mode.param->name; });

TEST_F(FaultTest, ACancelWithoutAnUpdateSaysSo) {
    boot(kTransfer);
    EXPECT_STREQ(segue::name_of(guest_->client().cancel_update().code()), "not-found");
}

} // namespace
} // namespace segue::fault
