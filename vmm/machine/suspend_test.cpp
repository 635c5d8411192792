// SPDX-License-Identifier: Apache-2.0
// The metronome goes to sleep by ACPI S3 and wakes, here and in the machine that it was moved to.
#include <gmock/gmock.h>

#include <segue/cpp/sys.hpp>

#include "vmm/machine/test_guest.hpp"

namespace segue::vmm {
namespace {

using namespace std::chrono_literals;

class SuspendTest : public testing::TestWithParam<unsigned> {
protected:
    void SetUp() override {
        guest = TestGuest::boot(GetParam());
        ASSERT_NE(guest, nullptr);
        guest->start();
        ASSERT_TRUE(guest->counts(true));
    }
    void fall_asleep() {
        const std::size_t before = guest->events.all().size();
        guest->type('s');
        ASSERT_TRUE(guest->events.wait(before + 1, Deadline::in(30s)));
        ASSERT_EQ(guest->events.all().back().kind, GuestEvent::Kind::Suspend);
        const Status stopped = guest->stop();
        ASSERT_EQ(stopped.code(), Code::Refused);
        EXPECT_EQ(stopped.error().detail("event"), "suspend");
        ASSERT_TRUE(guest->machine.devices().quiesce());
    }
    void wake() {
        const Status woken = guest->machine.wake();
        ASSERT_TRUE(woken.ok()) << woken.error().what();
        guest->start();
    }
    // As the engine moves a guest that stands still.
    void move() {
        state::Writer manifest{state::Header()}, saved{state::Header()};
        ASSERT_TRUE(guest->machine.describe(manifest));
        const auto plan = state::Reader::parse(manifest.finish()).value();
        auto next = std::make_unique<TestGuest>(copy_of(guest->inventory));
        ASSERT_TRUE(next->machine.build(plan, next->inventory));
        ASSERT_TRUE(next->machine.rehearse());
        ASSERT_TRUE(guest->machine.save(saved));
        ASSERT_TRUE(next->machine.load(state::Reader::parse(saved.finish()).value()));
        guest = std::move(next);
    }
    void expect_awake(std::uint64_t times) {
        ASSERT_TRUE(eventually([&] { return guest->page().header.wake_count == times; }));
        EXPECT_TRUE(guest->counts(true));
        EXPECT_EQ(guest->complaint(), "");
    }
    std::span<std::byte> facs() const {
        return {guest->inventory.blocks()[0].base() + kAcpiArea + 64, 64};
    }
    std::unique_ptr<TestGuest> guest;
};

INSTANTIATE_TEST_SUITE_P(Vcpus, SuspendTest, testing::Values(1, 4));

TEST_P(SuspendTest, TheGuestIsToldOfIt) {
    EXPECT_TRUE(guest->machine.offers_suspend());
}

TEST_P(SuspendTest, SleepsAndWakesWithItsMemory) {
    for (std::uint64_t times = 1; times <= 3; ++times) {
        ASSERT_NO_FATAL_FAILURE(fall_asleep());
        const auto counters = guest->counters();
        guest->machine.vcpus().run(); // of no effect while it sleeps
        std::this_thread::sleep_for(5ms);
        EXPECT_EQ(guest->counters(), counters);
        EXPECT_EQ(guest->stop().code(), Code::Refused);
        wake();
        ASSERT_NO_FATAL_FAILURE(expect_awake(times));
    }
}

TEST_P(SuspendTest, WakesInTheMachineThatItWasMovedTo) {
    for (std::uint64_t times = 1; times <= 2; ++times) {
        ASSERT_NO_FATAL_FAILURE(fall_asleep());
        const auto counters = guest->counters();
        move();
        move(); // one that has not seen it run
        EXPECT_EQ(guest->counters(), counters);
        wake();
        ASSERT_NO_FATAL_FAILURE(expect_awake(times));
    }
}

TEST_P(SuspendTest, MemoryThatChangedInItsSleepIsFound) {
    fall_asleep();
    const auto& block = guest->inventory.blocks()[0];
    // Whatever their shares are.
    for (std::uint64_t at = 3 << 20; at < block.bytes; at += 4096)
        block.base()[at] ^= std::byte{1};
    wake();
    ASSERT_TRUE(eventually([&] { return guest->page().header.wake_count == 1; }));
    EXPECT_THAT(guest->complaint(), testing::HasSubstr("wrong words"));
}

TEST_P(SuspendTest, WithoutAWakingVectorItBoots) {
    fall_asleep();
    const auto vector = facs().subspan(12, 4);
    std::fill(vector.begin(), vector.end(), std::byte{0});
    wake();
    ASSERT_TRUE(eventually([&] { return guest->page().header.boot_count == 2; }));
    EXPECT_TRUE(guest->counts(true));
}

} // namespace
} // namespace segue::vmm
