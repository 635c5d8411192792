// SPDX-License-Identifier: Apache-2.0
// page_flip_test.cpp - a guest in private RAM goes to a new VMM, and its next updates are in place;
// or it stays where it is, and goes on from there the next time.
#include <sys/resource.h>

#include "tests/integration/page_flip_test.hpp"

namespace segue::integration {
namespace {

using report::UpdateStatus;
using testing::HasSubstr;

constexpr const char* kAllShared = "of RAM are shared memory now"; // the log, when none is left

TEST_F(PageFlip, PrivateRamBecomesSharedAndTheNextUpdatesAreInPlace) {
    boot(spec());
    EXPECT_EQ(vm_.ram.at(0).path, "") << "nobody can see it";
    ASSERT_NO_FATAL_FAILURE(flip());
    EXPECT_EQ(vm_.ram.at(0).backend, "private");
    const std::uint64_t inode = vm_.ram.at(0).inode;
    for (const char* mode : {"cpr-transfer", "page-flip", "cpr-transfer"}) {
        ASSERT_NO_FATAL_FAILURE(move({mode, "", ""}));
        expect_unharmed();
        EXPECT_EQ(vm_.ram.at(0).inode, inode);
    }
}

TEST_F(PageFlip, BesideRamThatIsSharedAlready) {
    boot(in_two_blocks());
    const std::uint64_t inode = vm_.ram.at(0).inode;
    ASSERT_NO_FATAL_FAILURE(move());
    expect_unharmed();
    EXPECT_EQ(vm_.ram.at(0).inode, inode);
    EXPECT_NE(vm_.ram.at(1).inode, 0u);
    ASSERT_NO_FATAL_FAILURE(move({"cpr-transfer", "", ""}));
    expect_unharmed();
}

TEST_F(PageFlip, OneThatIsCancelledGoesOnFromThereTheNextTime) {
    test::GuestSpec s = full(in_two_blocks("chunk_stop = '100us'"));
    s.memory = large();
    boot(s);
    const std::string id = begin();
    ASSERT_TRUE(comes_true([&] { return has_shared_parts("ram1"); }));
    const Status cancelled = guest_->client().cancel_update();
    EXPECT_TRUE(cancelled) << cancelled.error().what();
    EXPECT_EQ(over(id).status, UpdateStatus::Cancelled);
    EXPECT_EQ(vm().pid, vm_.pid);
    ASSERT_THAT(guest_->log(), testing::Not(HasSubstr(kAllShared)));
    EXPECT_TRUE(guest_->page().counts(patience()));

    const report::UpdateRecord refused = update({"cpr-transfer", "", ""});
    ASSERT_EQ(refused.status, UpdateStatus::Failed);
    EXPECT_THAT(refused.error->what(), HasSubstr("RAM block 'ram1' (memory/private) does not"));
    EXPECT_EQ(refused.error->detail("phase"), "preflight");

    ASSERT_NO_FATAL_FAILURE(move());
    expect_unharmed();
    ASSERT_NO_FATAL_FAILURE(move({"cpr-transfer", "", ""}));
}

TEST_F(PageFlip, AfterOneThatWasCancelledTheGuestCanBeCopiedAsWell) {
    test::GuestSpec s = in_two_blocks("chunk_stop = '100us'");
    s.memory = large() + "\nprealloc = true";
    s.set = {"update.options.precopy.converge=switch"}; // on however slow a machine
    boot(s);
    const std::string id = begin();
    ASSERT_TRUE(comes_true([&] { return has_shared_parts("ram1"); }));
    ASSERT_TRUE(guest_->client().cancel_update());
    ASSERT_EQ(over(id).status, UpdateStatus::Cancelled);
    ASSERT_THAT(guest_->log(), testing::Not(HasSubstr(kAllShared)));
    vm_ = vm();
    ASSERT_NO_FATAL_FAILURE(move({"precopy", "", ""}));
    expect_unharmed();
}

TEST_F(PageFlip, ARehearsalConvertsAllAndTheGuestStays) {
    boot(in_two_blocks());
    control::UpdateRequest request;
    request.rehearse = true;
    const pid_t before = vm_.pid;
    const report::UpdateRecord r = update(request);
    ASSERT_EQ(r.status, UpdateStatus::Completed) << (r.error ? r.error->what() : "");
    EXPECT_EQ(vm_.pid, before);
    EXPECT_THAT(guest_->log(), HasSubstr(std::string("48 MiB ") + kAllShared));
    expect_unharmed();
    ASSERT_NO_FATAL_FAILURE(move());
    expect_unharmed();
}

// The kernel's way to say so is a signal that ends a process.
TEST_F(PageFlip, WhereFilesMayNotBecomeSoLongTheGuestStays) {
    boot(in_two_blocks());
    rlimit before = {};
    ASSERT_EQ(::prlimit(vm_.pid, RLIMIT_FSIZE, nullptr, &before), 0);
    const rlimit small = {1 << 20, before.rlim_max};
    ASSERT_EQ(::prlimit(vm_.pid, RLIMIT_FSIZE, &small, nullptr), 0);
    const report::UpdateRecord r = update();
    ASSERT_EQ(r.status, UpdateStatus::Failed);
    EXPECT_THAT(r.error->what(), HasSubstr("File too large"));
    expect_unharmed();
    ASSERT_EQ(::prlimit(vm_.pid, RLIMIT_FSIZE, &before, nullptr), 0);
    ASSERT_NO_FATAL_FAILURE(move());
    expect_unharmed();
}

TEST_F(PageFlip, LockedRamIsRefusedByName) {
    test::GuestSpec s = in_two_blocks();
    s.memory += "\nlock = true";
    boot(s);
    const report::UpdateRecord r = update();
    ASSERT_EQ(r.status, UpdateStatus::Failed);
    EXPECT_THAT(r.error->what(), HasSubstr("RAM block 'ram1' (memory/private) cannot become"));
    EXPECT_THAT(r.error->what(), HasSubstr("locked"));
    EXPECT_THAT(r.error->way_out(), HasSubstr("memory.lock = false"));
    EXPECT_EQ(r.error->detail("phase"), "preflight");
    expect_unharmed();
}

} // namespace
} // namespace segue::integration
