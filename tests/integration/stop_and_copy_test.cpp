// SPDX-License-Identifier: Apache-2.0
// The out-of-tree mode, built against the installed SDK, in real updates: the seam of the modes
// fits more than those that leave RAM in place.
#include "tests/integration/update_test.hpp"

namespace segue::integration {
namespace {

constexpr const char* kMode = "stop-and-copy";

class StopAndCopy : public UpdateTest {
protected:
    void boot_with_mode() {
        test::GuestSpec spec = usual_spec();
        spec.vcpus = 2;
        spec.modes = {"cpr-transfer", kMode};
        spec.plugin_dirs = {STOP_AND_COPY_PLUGINS};
        boot(spec);
    }
};

TEST_F(StopAndCopy, MovesTheGuestIntoOtherRam) {
    boot_with_mode();
    ASSERT_TRUE(guest_->page().verify(patience()));
    const auto before = vm_.ram.at(0);
    ASSERT_NO_FATAL_FAILURE(move({kMode, "", ""}));
    EXPECT_NE(vm_.ram.at(0).inode, before.inode);
    const auto stood = guest_->page().counters(); // the old RAM, which nobody writes any more
    const auto page = test::GuestPage::open(vm_.ram.at(0), patience());
    ASSERT_TRUE(page) << page.error().what();
    EXPECT_TRUE(page->verify(patience()));
    EXPECT_EQ(page->errors(), "");
    EXPECT_EQ(page->boots(), 1u);
    for (std::size_t i = 0; i < stood.size(); ++i)
        EXPECT_GT(page->counters()[i], stood[i]);
    EXPECT_EQ(guest_->page().counters(), stood);
}

TEST_F(StopAndCopy, SaysWhatItCopiedAndTakesTurnsWithOthers) {
    boot_with_mode();
    ASSERT_TRUE(guest_->page().verify(patience()));
    const report::UpdateRecord copied = update({kMode, "", ""});
    ASSERT_EQ(copied.status, report::UpdateStatus::Completed)
        << (copied.error ? copied.error->what() : "");
    EXPECT_GE(copied.ram_bytes_copied, 8u << 20) << "two vCPUs filled 4 MiB each";
    EXPECT_LT(copied.ram_bytes_copied, 32u << 20) << "zero pages need not be copied";
    const auto inode = vm_.ram.at(0).inode;
    ASSERT_NO_FATAL_FAILURE(move());
    EXPECT_EQ(vm_.ram.at(0).inode, inode);
    const auto page = test::GuestPage::open(vm_.ram.at(0), patience());
    ASSERT_TRUE(page) << page.error().what();
    EXPECT_TRUE(page->verify(patience()));
}

} // namespace
} // namespace segue::integration
