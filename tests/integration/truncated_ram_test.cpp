// SPDX-License-Identifier: Apache-2.0
// truncated_ram_test.cpp - somebody truncates the file that a guest's RAM lies in: the VMM ends, as
// it must, and says which block and which file it was.
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

// What was cut off would be saved as zeros: nothing of it may pass for the guest's.
TEST_F(TruncatedRam, UnderAGuestThatStandsStillIsNotSaved) {
    test::GuestSpec spec = usual_spec();
    spec.modes = {"cpr-reboot"};
    spec.mode_options = "ram = 'copy'";
    spec.at_rest = "transport = 'file'";
    boot_in_a_file(spec);
    ASSERT_TRUE(guest_->client().pause());
    std::filesystem::resize_file(file_, std::filesystem::file_size(file_) / 2);
    control::UpdateRequest save;
    save.save = true;
    const report::UpdateRecord r = update(save);
    ASSERT_EQ(r.status, report::UpdateStatus::Failed);
    EXPECT_EQ(r.error->code(), Code::Corrupt);
    EXPECT_EQ(r.error->detail("block"), "ram0");
    EXPECT_EQ(r.error->detail("phase"), "preflight");
    EXPECT_EQ(vm_.state, report::RunState::Paused);
}

} // namespace
} // namespace segue::integration
