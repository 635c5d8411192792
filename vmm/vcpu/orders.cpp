// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/orders.hpp"

namespace segue::vmm {

namespace {

constexpr std::uint32_t kLow = 0xff;

} // namespace

void Orders::give(Order order, unsigned threads) noexcept {
    const std::uint32_t number = (order_.load(std::memory_order_relaxed) & ~kLow) + kLow + 1;
    pending_.store(number | threads, std::memory_order_relaxed);
    order_.store(number | static_cast<std::uint32_t>(order), std::memory_order_release);
    futex_wake_all(order_);
}

bool Orders::wait_done(Deadline deadline) noexcept {
    for (;;) {
        const std::uint32_t pending = pending_.load(std::memory_order_acquire);
        if ((pending & kLow) == 0)
            return true;
        if (!futex_wait(pending_, pending, deadline))
            return (pending_.load(std::memory_order_acquire) & kLow) == 0;
    }
}

OrderWord Orders::next(OrderWord seen) noexcept {
    OrderWord now = current();
    while (now == seen) {
        futex_wait(order_, seen, Deadline::never());
        now = current();
    }
    return now;
}

void Orders::done(OrderWord order) noexcept {
    std::uint32_t pending = pending_.load(std::memory_order_relaxed);
    do {
        if ((pending & ~kLow) != (order & ~kLow))
            return;
    } while (!pending_.compare_exchange_weak(pending, pending - 1, std::memory_order_acq_rel));
    if ((pending & kLow) == 1)
        futex_wake_all(pending_);
}

} // namespace segue::vmm
