// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/orders.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace segue::vmm {
namespace {

using namespace std::chrono_literals;

TEST(Orders, EveryThreadFollowsEveryOrder) {
    constexpr unsigned kThreads = 4;
    constexpr int kOrders = 2000;
    Orders orders;
    std::atomic<int> worked = 0;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i)
        threads.emplace_back([&] {
            for (OrderWord o = orders.next(0); kind_of(o) != Order::Quit; o = orders.next(o)) {
                ++worked;
                orders.done(o);
            }
        });
    for (int n = 1; n <= kOrders; ++n) {
        orders.give(Order::Work, kThreads);
        ASSERT_TRUE(orders.wait_done(Deadline::in(10s)));
        ASSERT_EQ(worked, n * static_cast<int>(kThreads));
    }
    orders.give(Order::Quit, 0);
    for (auto& t : threads)
        t.join();
}

TEST(Orders, DeadlinePasses) {
    Orders orders;
    orders.give(Order::Park, 1);
    EXPECT_FALSE(orders.wait_done(Deadline::in(1ms)));
}

TEST(Orders, ALateAnswerToAnOldOrderIsNotCounted) {
    Orders orders;
    orders.give(Order::Park, 1);
    const OrderWord old = orders.current();
    orders.give(Order::Park, 1);
    orders.done(old);
    EXPECT_FALSE(orders.wait_done(Deadline::in(1ms)));
    orders.done(orders.current());
    EXPECT_TRUE(orders.wait_done(Deadline::in(1ms)));
}

} // namespace
} // namespace segue::vmm
