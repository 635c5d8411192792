// SPDX-License-Identifier: Apache-2.0
// orders.hpp - one word by which one controller tells all vCPU threads what to do next.
#pragma once

#include <cstdint>

#include "vmm/vcpu/futex.hpp"

namespace segue::vmm {

enum class Order : std::uint32_t { Park, Run, Work, Quit };

// A numbered order: two of a kind differ.
using OrderWord = std::uint32_t;
constexpr Order kind_of(OrderWord word) {
    return static_cast<Order>(word & 0xff);
}

// No lock, no allocation: this lies in the blackout. Up to 255 threads.
class Orders {
public:
    // [controller, one at a time]
    void give(Order order, unsigned threads) noexcept;
    // Until every thread has acknowledged the last order; false where the deadline passed.
    bool wait_done(Deadline deadline) noexcept;

    // [thread] Waits for an order that is not `seen`, which starts as 0.
    OrderWord next(OrderWord seen) noexcept;
    // [thread] Until there is another one than `order`, or the deadline, or a signal.
    void nap(OrderWord order, Deadline until) noexcept { (void)futex_wait(order_, order, until); }
    OrderWord current() const noexcept { return order_.load(std::memory_order_acquire); }
    // [thread] Once an order; too late for one that a newer replaced, it does nothing.
    void done(OrderWord order) noexcept;

private:
    // Upper 24 bits: the order's number. Lower 8: its kind; how many have not acknowledged it.
    FutexWord order_ = 0;
    FutexWord pending_ = 0;
};

} // namespace segue::vmm
