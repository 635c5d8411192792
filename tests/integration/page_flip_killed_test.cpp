// SPDX-License-Identifier: Apache-2.0
// page_flip_killed_test.cpp - an update by page-flip that a process does not survive: nothing of
// the guest is lost that a crash of its VMM would not have lost, too.
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <random>

#include <segue/cpp/sys.hpp>

#include "core/update/ownership.hpp"
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
    // The `part`-th of kTimes parts of an update: until some moment of it.
    void begin_and_wait(int part) {
        boot(every_page());
        std::uniform_int_distribution<std::int64_t> within(0, span_.count() / kTimes);
        moment_ = span_ * part / kTimes + std::chrono::microseconds(within(random_));
        id_ = begin();
        std::this_thread::sleep_for(moment_);
    }
    std::string moment() const {
        return "seed " + std::to_string(seed_) + ": " + std::to_string(moment_.count()) +
               " us of an update that takes " + std::to_string(span_.count()) + " us";
    }
    std::vector<pid_t> others() const {
        std::vector<pid_t> all = guest_->processes();
        std::erase(all, vm_.pid);
        return all;
    }
    // That of the guest's owner, in the record that both sides see.
    std::uint32_t generation() const {
        auto file = sys::open(guest_->places().owner(), O_RDWR);
        if (!file)
            return 0;
        const auto record = update::Ownership::adopt(std::move(*file));
        EXPECT_TRUE(record) << record.error().what();
        return record ? record->word().generation : 0;
    }
    std::string id_;

private:
    const unsigned seed_ = std::random_device{}();
    std::minstd_rand random_{seed_};
    std::chrono::microseconds span_{}, moment_{};
};

TEST_F(PageFlipKilled, TheTargetTakesNothingWithItBeforeItHasTheGuest) {
    int before = 0;
    for (int i = 0; i < kTimes; ++i) {
        ASSERT_NO_FATAL_FAILURE(begin_and_wait(i));
        SCOPED_TRACE(moment());
        const std::vector<pid_t> targets = others();
        for (const pid_t pid : targets)
            ::kill(pid, SIGKILL);
        ASSERT_TRUE(comes_true([&] {
            const auto left = guest_->processes();
            return std::none_of(targets.begin(), targets.end(), [&](pid_t pid) {
                return std::find(left.begin(), left.end(), pid) != left.end();
            });
        }));
        // Nobody was there yet, or who was had the guest already: a crash of its owner.
        if (targets.empty() || generation() != vm_.generation)
            continue;
        ++before;
        control::VmInfo now;
        ASSERT_TRUE(comes_true([&] {
            const auto vm = guest_->client().vm();
            now = vm ? *vm : control::VmInfo{};
            return now.state == report::RunState::Running;
        }));
        ASSERT_EQ(now.pid, vm_.pid);
        EXPECT_NE(over(id_).status, report::UpdateStatus::Completed);
        expect_unharmed();
    }
    EXPECT_GT(before, 0) << "no target was killed before it had the guest";
}

TEST_F(PageFlipKilled, WithTheSourceTheGuestEndsOrIsWithTheTarget) {
    for (int i = 0; i < kTimes; ++i) {
        ASSERT_NO_FATAL_FAILURE(begin_and_wait(i));
        SCOPED_TRACE(moment());
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
