// SPDX-License-Identifier: Apache-2.0
// Candidates that die: before the offer, after it, and after they have taken the guest.
#include <thread>

#include "core/update/two_sides_test.hpp"

namespace segue::update {
namespace {

using report::Phase;

class CandidateThatDies : public TwoSides, public testing::WithParamInterface<const char*> {};

TEST_P(CandidateThatDies, BeforeTheOfferLeavesTheGuestHere) {
    script_.on(GetParam(), [this] { return candidate().die(); });
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, r.error ? r.error->detail("phase") : ""));
    EXPECT_NE(r.error->what().find("/bin/new, was killed by SIGKILL"), std::string::npos)
        << r.error->what();
    EXPECT_NE(r.error->what().find("last words"), std::string::npos);
    EXPECT_EQ(r.error->detail("binary"), "/bin/new");
}

INSTANTIATE_TEST_SUITE_P(Death, CandidateThatDies,
                         testing::Values("new machine build", "new machine rehearse",
                                         "new machine load"),
                         [](const auto& at) {
                             std::string name = at.param;
                             std::replace(name.begin(), name.end(), ' ', '_');
                             return name;
                         });

class Death : public TwoSides {
protected:
    void wait_for_offer() const {
        const Deadline limit = Deadline::in(std::chrono::seconds(20));
        while (ownership_->word().state != Owner::Offered && !limit.passed())
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
};

TEST_F(Death, AfterTheOfferTheGuestIsTakenBack) {
    script_.on("new devices claim", [this]() -> Status {
        wait_for_offer();
        return candidate().die();
    });
    const auto r = update();
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "commit"));
    EXPECT_EQ(ownership_->word(), (Word{1, 1, Owner::Owned}));
    EXPECT_EQ(script_.count("old devices reclaim"), 1) << "it had claimed, for all we know";
}

TEST_F(Death, AfterItsSwapTheGuestIsItsOwn) {
    script_.on("new vcpus run", [this]() -> Status { return candidate().die(); });
    const auto r = update();
    EXPECT_EQ(code_, Code::Ok);
    EXPECT_EQ(r.status, report::UpdateStatus::Completed);
    EXPECT_EQ(ownership_->word(), (Word{2, 1, Owner::Owned}));
    EXPECT_EQ(script_.count("old vcpus run"), 0) << "it may have run there";
}

TEST_F(Death, ACandidateThatHangsAfterTheOfferIsTakenBackFrom) {
    request_.deadlines.handover = std::chrono::seconds(1);
    script_.on("new devices claim", [this]() -> Status {
        wait_for_offer();
        while (ownership_->word().state == Owner::Offered)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return {};
    });
    const auto r = update();
    EXPECT_EQ(code_, Code::Deadline);
    ASSERT_NO_FATAL_FAILURE(expect_unharmed(r, "commit"));
}

TEST_F(Death, ALateCandidateOfAnEarlierAttemptCannotWin) {
    script_.fail("new machine build");
    expect_unharmed(update(), "prepare");
    ASSERT_TRUE(ownership_->offer(1, ownership_->next_attempt().value()));
    EXPECT_FALSE(ownership_->claim(2, 1));
    EXPECT_TRUE(ownership_->claim(2, 2));
}

TEST_F(Death, NobodyClaimsOnceTheOwnerHasGivenUp) {
    EXPECT_TRUE(ownership_->open_claims());
    EXPECT_TRUE(ownership_->close_claims());
    EXPECT_FALSE(ownership_->open_claims());
    EXPECT_FALSE(ownership_->close_claims());
    ASSERT_TRUE(ownership_->next_attempt());
    EXPECT_FALSE(ownership_->close_claims());
}

} // namespace
} // namespace segue::update
