// SPDX-License-Identifier: Apache-2.0
// other_boot_test.cpp - a guest that was saved before its host rebooted, and is started after it.
#include "tests/fault/other_boot.hpp"

#include <poll.h>

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "core/base/wait.hpp"
#include "tests/support/guest.hpp"

namespace segue::fault {
namespace {

Deadline patience() {
    return Deadline::in(std::chrono::seconds(90));
}

class OtherBoot : public testing::Test {
protected:
    test::GuestSpec spec() const {
        test::GuestSpec s;
        s.vmm = FAULT_VMM;
        s.kernel = METRONOME_ELF;
        s.vcpus = 2;
        s.modes = {"cpr-reboot"};
        s.mode_options = "ram = 'copy'";
        s.transport = "file";
        s.options = "path = '" + disk_ / "web1.state" + "'";
        return s;
    }
    // Its run directory lies on tmpfs, which is empty after a reboot.
    void save_and_reboot() {
        control::UpdateRequest request;
        request.save = true;
        const auto record = guest_.client().start_update(request);
        ASSERT_TRUE(record) << record.error().what();
        ASSERT_TRUE(Waiter{patience()}.until(guest_.first().pidfd.get(), POLLIN))
            << "the VMM stays";
        for (const auto& file : std::filesystem::directory_iterator(guest_.places().run))
            std::filesystem::remove_all(file);
    }
    Status start() {
        Status s;
        std::thread([&] {
            s = [&]() -> Status {
                SEGUE_TRY(enter_another_boot(disk_.path()));
                SEGUE_ASSIGN(started_, guest_.start_vmm({"--restore"}));
                return Status();
            }();
        }).join();
        return s;
    }
    bool runs() {
        for (const Deadline limit = patience(); !limit.passed(); (void)Waiter{limit}.nap(1).ok())
            if (guest_.client().healthz())
                return true;
        return false;
    }

    TempDir disk_;
    test::Guest guest_{spec()};
    Child started_;
};

TEST_F(OtherBoot, ASavedGuestGoesOn) {
    ASSERT_TRUE(guest_.start());
    const auto counters = guest_.page().counters();
    ASSERT_NO_FATAL_FAILURE(save_and_reboot());
    const Status s = start();
    ASSERT_TRUE(s) << s.error().what();
    ASSERT_TRUE(runs()) << guest_.log();
    ASSERT_TRUE(guest_.follow());
    EXPECT_TRUE(guest_.page().verify(patience()));
    EXPECT_EQ(guest_.page().errors(), "");
    EXPECT_EQ(guest_.page().boots(), 1u);
    for (std::size_t i = 0; i < counters.size(); ++i)
        EXPECT_GT(guest_.page().counters()[i], counters[i]);
    EXPECT_EQ(guest_.client().vm()->generation, 2u);
}

} // namespace
} // namespace segue::fault
