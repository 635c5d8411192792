// SPDX-License-Identifier: Apache-2.0
#include "core/update/watchdog.hpp"

#include <gtest/gtest.h>

#include <future>

namespace segue::update {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kLong{20};

TEST(Watchdog, FiresOnceTheDeadlineHasPassed) {
    Watchdog dog;
    std::promise<void> fired;
    dog.arm(Deadline::in(milliseconds(1)), [&] { fired.set_value(); });
    ASSERT_EQ(fired.get_future().wait_for(kLong), std::future_status::ready);
    EXPECT_TRUE(dog.disarm());
}

TEST(Watchdog, WorkOfOursIsNotWatchedAndTheCallHasAMomentAfterIt) {
    Watchdog dog;
    std::promise<void> fired;
    auto when = fired.get_future();
    dog.arm(Deadline::in(milliseconds(1)), [&] { fired.set_value(); });
    {
        const Watchdog::Own own(dog, milliseconds(50));
        dog.hasten(Deadline::in(milliseconds(0)));
        EXPECT_EQ(when.wait_for(milliseconds(50)), std::future_status::timeout);
    }
    ASSERT_EQ(when.wait_for(kLong), std::future_status::ready);
    EXPECT_TRUE(dog.disarm());
}

TEST(Watchdog, DisarmedItDoesNothing) {
    Watchdog dog;
    bool fired = false;
    dog.arm(Deadline::in(hours(1)), [&] { fired = true; });
    EXPECT_FALSE(dog.disarm());
    dog.arm(Deadline::never(), [&] { fired = true; });
    EXPECT_FALSE(dog.disarm());
    EXPECT_FALSE(fired);
}

TEST(Watchdog, TheNextCallHasAWatchOfItsOwn) {
    Watchdog dog;
    std::promise<void> second;
    dog.arm(Deadline::in(hours(1)), [] {});
    EXPECT_FALSE(dog.disarm());
    dog.arm(Deadline::in(milliseconds(1)), [&] { second.set_value(); });
    ASSERT_EQ(second.get_future().wait_for(kLong), std::future_status::ready);
    EXPECT_TRUE(dog.disarm());
    dog.arm(Deadline::in(hours(1)), [] {});
    EXPECT_FALSE(dog.disarm()) << "the last one's bite is forgotten";
}

// A cancel that hastens holds what the act wants.
TEST(Watchdog, HastenDoesNotWaitForAnActInProgress) {
    Watchdog dog;
    std::promise<void> begun, hastened;
    dog.arm(Deadline::in(milliseconds(1)), [&] {
        begun.set_value();
        EXPECT_EQ(hastened.get_future().wait_for(kLong), std::future_status::ready);
    });
    begun.get_future().wait();
    dog.hasten(Deadline::in(milliseconds(1)));
    hastened.set_value();
    EXPECT_TRUE(dog.disarm()) << "which does wait";
}

TEST(Watchdog, ADeadlineCanBeBroughtForward) {
    Watchdog dog;
    std::promise<void> fired;
    dog.arm(Deadline::in(hours(1)), [&] { fired.set_value(); });
    dog.hasten(Deadline::in(hours(2)));
    dog.hasten(Deadline::in(milliseconds(1)));
    ASSERT_EQ(fired.get_future().wait_for(kLong), std::future_status::ready);
    EXPECT_TRUE(dog.disarm());
}

} // namespace
} // namespace segue::update
