// SPDX-License-Identifier: Apache-2.0
// turns.hpp - keeps vCPUs out of the guest for part of the time.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <ctime>
#include <span>
#include <vector>

#include "vmm/vcpu/orders.hpp"

namespace segue::vmm {

// Each thread gets a kick a period, by a timer of its own, and then naps before it goes on. In
// short turns: a guest that is out for long takes its processors for dead.
class Turns {
public:
    Turns() = default;
    ~Turns() { stop(); }
    Turns(const Turns&) = delete;
    Turns& operator=(const Turns&) = delete;

    // Of these threads, by that signal; 0 percent: none naps any more. A thread whose timer cannot
    // be made runs on. [controller]
    void set(unsigned percent, std::span<const pid_t> threads, int signal) noexcept;
    // [thread] After a kick: naps for its part of the period, or until there is another order.
    void nap(Orders& orders, OrderWord order) const noexcept;

private:
    void stop() noexcept;

    std::atomic<unsigned> percent_ = 0;
    std::vector<timer_t> timers_;
};

} // namespace segue::vmm
