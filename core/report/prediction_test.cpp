// SPDX-License-Identifier: Apache-2.0
#include "core/report/prediction.hpp"

#include <gtest/gtest.h>

namespace segue::report {
namespace {

using std::chrono::milliseconds;

UpdateRecord took(int ms, const char* mode = "m", UpdateStatus status = UpdateStatus::Completed) {
    UpdateRecord r;
    r.mode = mode;
    r.status = status;
    r.blackout = milliseconds(ms);
    return r;
}

TEST(Prediction, IsUnknownBelowFiveUpdatesByTheSameMode) {
    const std::vector<UpdateRecord> few = {
        took(1), took(2), took(3), took(4), took(9, "other"), took(9, "m", UpdateStatus::Failed),
        took(0)};
    std::vector<UpdateRecord> more = few;
    more.push_back(took(5));
    more.back().rehearsal = true; // which stops before the commit
    EXPECT_FALSE(predict(more, "m").known());
    const Prediction p = predict(few, "m");
    EXPECT_FALSE(p.known());
    EXPECT_EQ(p.samples, 4u);
    EXPECT_EQ(p.bound.count(), 0);
}

TEST(Prediction, IsTheMedianAndHalfMoreThanTheWorst) {
    const Prediction p = predict({took(5), took(1), took(40), took(2), took(3)}, "m");
    ASSERT_TRUE(p.known());
    EXPECT_EQ(p.median, milliseconds(3));
    EXPECT_EQ(p.bound, milliseconds(60));
}

TEST(Prediction, ForgetsWhatIsOlderThanTwentyUpdates) {
    std::vector<UpdateRecord> all(20, took(2));
    all.push_back(took(1000));
    const Prediction p = predict(all, "m");
    EXPECT_EQ(p.samples, 20u);
    EXPECT_EQ(p.bound, milliseconds(3));
}

} // namespace
} // namespace segue::report
