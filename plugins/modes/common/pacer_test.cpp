// SPDX-License-Identifier: Apache-2.0
#include "plugins/modes/common/pacer.hpp"

#include <gtest/gtest.h>

namespace segue::modes {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

Result<bool> never() {
    return false;
}

TEST(Pacer, WithoutALimitNothingWaitsOrIsAsked) {
    Pacer pacer(0);
    pacer.begin();
    const auto napped = pacer.await(~0ull, []() -> Result<bool> {
        ADD_FAILURE() << "it was asked";
        return true;
    });
    ASSERT_TRUE(napped);
    EXPECT_EQ(*napped, 0ns);
}

TEST(Pacer, LetsNoBytesThroughBeforeTheyAreDue) {
    Pacer pacer(1u << 20);
    const auto from = Clock::now();
    pacer.begin();
    for (const std::uint64_t kib : {32u, 64u, 96u}) {
        const auto before = Clock::now();
        const auto napped = pacer.await(kib << 10, never);
        const auto now = Clock::now();
        ASSERT_TRUE(napped);
        EXPECT_GE(now - from, kib * 1'000'000us / 1024);
        EXPECT_LE(*napped, now - before);
    }
}

TEST(Pacer, BytesThatAreDueDoNotWait) {
    Pacer pacer(1u << 20);
    EXPECT_TRUE(pacer.await(1u << 20, []() -> Result<bool> {
        ADD_FAILURE() << "it was asked: they were due long ago";
        return true;
    })) << "it began with the clock";
}

TEST(Pacer, CountsFromItsLastBeginning) {
    Pacer pacer(1u << 20);
    pacer.begin();
    ASSERT_TRUE(pacer.await(32u << 10, never));
    const auto again = Clock::now();
    pacer.begin();
    ASSERT_TRUE(pacer.await(32u << 10, never));
    EXPECT_GE(Clock::now() - again, 1'000'000us / 32);
}

TEST(Pacer, IsStoppedByWhoIsAsked) {
    Pacer pacer(1); // for years
    pacer.begin();
    int asked = 0;
    const auto napped = pacer.await(1u << 30, [&]() -> Result<bool> { return ++asked == 3; });
    EXPECT_TRUE(napped);
    EXPECT_EQ(asked, 3);
}

TEST(Pacer, AnErrorOfWhoIsAskedEndsIt) {
    Pacer pacer(1);
    pacer.begin();
    const auto napped = pacer.await(1u << 30, []() -> Result<bool> {
        return Error(Code::Cancelled, "the update was cancelled");
    });
    EXPECT_EQ(napped.code(), Code::Cancelled);
}

} // namespace
} // namespace segue::modes
