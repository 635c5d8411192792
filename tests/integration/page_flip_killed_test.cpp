// SPDX-License-Identifier: Apache-2.0
// page_flip_killed_test.cpp - an update by page-flip that a process does not survive: nothing of
// the guest is lost that a crash of its VMM would not have lost, too.
#include <sys/wait.h>

#include <csignal>
#include <random>

#include "tests/integration/page_flip_test.hpp"

namespace segue::integration {
namespace {

// At moments spread over an update; who is left is right by what it was. The guest verifies every
// page that it has.
class PageFlipKilled : public PageFlip {
protected:
    using Clock = std::chrono::steady_clock;
    static constexpr int kTimes = 20;

    // How long an update takes here, by one that nobody disturbs.
    void SetUp() override {
        boot(every_page());
        const auto began = Clock::now();
        ASSERT_EQ(over(begin()).status, report::UpdateStatus::Completed);
        span_ = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
    }
    static test::GuestSpec every_page() { return full(in_two_blocks("chunk_stop = '100us'")); }
    void begin_and_wait() {
        boot(every_page());
        id_ = begin();
        static std::minstd_rand random(std::random_device{}());
        std::uniform_int_distribution<std::int64_t> moment(0, span_.count());
        std::this_thread::sleep_for(std::chrono::microseconds(moment(random)));
    }
    std::vector<pid_t> others() const {
        std::vector<pid_t> all = guest_->processes();
        std::erase(all, vm_.pid);
        return all;
    }
    std::string id_;

private:
    std::chrono::microseconds span_{};
};

TEST_F(PageFlipKilled, TheTargetTakesNothingWithItBeforeItHasTheGuest) {
    for (int i = 0; i < kTimes; ++i) {
        ASSERT_NO_FATAL_FAILURE(begin_and_wait());
        for (const pid_t pid : others())
            ::kill(pid, SIGKILL);
        const auto r = guest_->client().update(id_);
        if (!r) // it had the guest already: a crash of its owner
            continue;
        EXPECT_TRUE(comes_true([&] {
            const auto now = guest_->client().vm();
            return !now || now->state == report::RunState::Running;
        }));
        const auto now = guest_->client().vm();
        if (now && now->pid == vm_.pid) {
            expect_unharmed();
        }
    }
}

TEST_F(PageFlipKilled, WithTheSourceTheGuestEndsOrIsWithTheTarget) {
    for (int i = 0; i < kTimes; ++i) {
        ASSERT_NO_FATAL_FAILURE(begin_and_wait());
        ::kill(vm_.pid, SIGKILL);
        ::waitpid(vm_.pid, nullptr, 0);
        bool moved = false;
        ASSERT_TRUE(comes_true([&] {
            const auto now = guest_->client().vm();
            moved = now && now->pid != vm_.pid && now->state == report::RunState::Running;
            return moved || guest_->processes().empty();
        }));
        if (moved) {
            expect_unharmed();
        }
    }
}

} // namespace
} // namespace segue::integration
