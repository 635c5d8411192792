// SPDX-License-Identifier: Apache-2.0
// truncated_ram_test.cpp - somebody truncates the file that a guest's RAM lies in: the VMM ends, as
// it must, and says which block and which file it was.
#include <csignal>
#include <filesystem>

#include "tests/integration/update_test.hpp"

namespace segue::integration {
namespace {

using testing::HasSubstr;

class TruncatedRam : public UpdateTest {
protected:
    void boot_in_a_file(test::GuestSpec spec = usual_spec()) {
        spec.backend = "file";
        boot(spec);
        file_ = *guest_ / "ram0";
        ASSERT_TRUE(std::filesystem::exists(file_));
    }
    Exit end_of_vmm() {
        auto ended = wait_exit(guest_->first(), patience());
        EXPECT_TRUE(ended) << "the VMM lives on";
        return ended ? *ended : Exit{};
    }
    std::string file_;
};

// The guest's own access: KVM finds no page, and the vCPU cannot go on, or faults until the guest
// asks for a reset.
TEST_F(TruncatedRam, UnderTheRunningGuestIsToldByName) {
    boot_in_a_file();
    std::filesystem::resize_file(file_, 0);
    EXPECT_EQ(end_of_vmm().code, 1);
    EXPECT_THAT(guest_->log(), HasSubstr("RAM block 'ram0' (memory/file, " + file_ + ")"));
    EXPECT_THAT(guest_->log(), HasSubstr("its file was truncated"));
}

// The VMM's own access: it copies the RAM of a guest that stands still.
TEST_F(TruncatedRam, UnderTheVmmIsToldByNameBeforeItDies) {
    test::GuestSpec spec = usual_spec();
    spec.modes = {"cpr-reboot"};
    spec.mode_options = "ram = 'copy'";
    spec.at_rest = "transport = 'file'";
    boot_in_a_file(spec);
    ASSERT_TRUE(guest_->client().pause());
    std::filesystem::resize_file(file_, 0);
    control::UpdateRequest save;
    save.save = true;
    ASSERT_TRUE(guest_->client().start_update(save));
    EXPECT_EQ(end_of_vmm().signal, SIGBUS);
    EXPECT_THAT(guest_->log(), HasSubstr("error: RAM block 'ram0' (memory/file, " + file_ +
                                         "): its file is shorter than its mapping"));
}

} // namespace
} // namespace segue::integration
