// SPDX-License-Identifier: Apache-2.0
// huge_pages_test.cpp - a guest in huge pages is copied to a new VMM: into as many of them, or into
// fewer than it has, or into others.
#include "tests/integration/copying_test.hpp"
#include "tests/support/huge_pages.hpp"

namespace segue::integration {
namespace {

using report::UpdateStatus;
using testing::HasSubstr;

class HugePages : public CopyingTest {
protected:
    explicit HugePages(unsigned pages = 2 * 32) // for two copies of the usual guest
        : pages_(pages) {}
    ~HugePages() override { guest_.reset(); } // before its pages
    void SetUp() override { ASSERT_TRUE(pages_.there()); }
    static test::GuestSpec spec(const std::string& mode) {
        test::GuestSpec s = spec_for(mode);
        s.modes = {mode, "cpr-transfer"};
        s.vcpus = 2;
        s.backend = "hugetlbfs";
        return s;
    }
    // Some of the RAM came after the guest.
    void expect_fetched() const {
        const report::UpdateRecord r = journal();
        EXPECT_EQ(r.ram_bytes_left, 0u);
        ASSERT_TRUE(r.faults);
        EXPECT_GT(r.faults->faults, 0u) << "nothing was asked for";
    }

private:
    const test::HugePages pages_;
};

TEST_F(HugePages, AreCopiedByPrecopy) {
    boot(spec("precopy"));
    ASSERT_NO_FATAL_FAILURE(expect_other_ram());
    expect_same_ram();
}

TEST_F(HugePages, FollowAGuestByPostcopy) {
    boot(spec("postcopy"));
    ASSERT_NO_FATAL_FAILURE(expect_other_ram());
    expect_fetched();
    expect_same_ram();
}

// A page of 2 MiB of which the guest writes a byte is thrown away over there, and comes again
// whole.
TEST_F(HugePages, WrittenSinceTheyWereSentTheyComeAgain) {
    test::GuestSpec s = spec("postcopy");
    s.mode_options = "max_rounds = 2, downtime_limit = '1us'";
    boot(s);
    for (int i = 0; i < 2; ++i) {
        ASSERT_NO_FATAL_FAILURE(expect_other_ram());
        expect_fetched();
    }
    EXPECT_THAT(guest_->log(), HasSubstr("after 2 rounds"));
}

class HugePagesOnce : public HugePages, public testing::WithParamInterface<const char*> {
protected:
    HugePagesOnce()
        : HugePages(32) {}
};

INSTANTIATE_TEST_SUITE_P(Modes, HugePagesOnce, testing::Values("precopy", "postcopy"), mode_name);

TEST_P(HugePagesOnce, WithRoomForOneCopyTheGuestStays) {
    test::GuestSpec s = spec(GetParam());
    s.mib = (test::HugePages::unused() / 2 + 1) * 2; // whatever else is in the pool
    boot(s);
    const report::UpdateRecord r = update();
    ASSERT_EQ(r.status, UpdateStatus::Failed);
    EXPECT_THAT(r.error->what(), HasSubstr("free huge pages of 2 MiB, not"));
    EXPECT_THAT(r.error->way_out(), HasSubstr("nr_hugepages"));
    EXPECT_EQ(r.error->detail("phase"), "prepare");
    EXPECT_EQ(r.error->detail("block"), "ram0");
    EXPECT_EQ(vm_.generation, 1u);
    expect_unharmed();
    EXPECT_THAT(guest_->processes_until({vm_.pid}, patience()), testing::ElementsAre(vm_.pid));
}

TEST_P(HugePagesOnce, IntoSmallOnesTheGuestGoesWhereNoPageMustComeWhole) {
    boot(spec(GetParam()));
    test::GuestSpec small = spec(GetParam());
    small.backend = "memfd";
    control::UpdateRequest request;
    request.config = guest_->write_config("next.toml", small);
    if (GetParam() == std::string("precopy")) {
        ASSERT_NO_FATAL_FAILURE(move(request));
        EXPECT_EQ(vm_.ram.at(0).backend, "memfd");
    } else {
        const report::UpdateRecord r = update(request);
        ASSERT_EQ(r.status, UpdateStatus::Failed);
        EXPECT_THAT(r.error->what(), HasSubstr("has pages of 2M there and of 4K here"));
        EXPECT_EQ(r.error->detail("phase"), "prepare");
    }
    expect_unharmed();
}

TEST_F(HugePages, IntoThemASmallOneIsRefusedByName) {
    test::GuestSpec s = spec("postcopy");
    s.backend = "memfd";
    boot(s);
    control::UpdateRequest request;
    request.config = guest_->write_config("next.toml", spec("postcopy"));
    const report::UpdateRecord r = update(request);
    ASSERT_EQ(r.status, UpdateStatus::Failed);
    EXPECT_THAT(r.error->what(), HasSubstr("has pages of 4K there and of 2M here"));
    EXPECT_EQ(r.error->detail("phase"), "prepare");
    expect_unharmed();
}

} // namespace
} // namespace segue::integration
