// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace segue::vmm {

static_assert(FutexWord::is_always_lock_free && sizeof(FutexWord) == 4);

bool futex_wait(FutexWord& word, std::uint32_t seen, Deadline deadline) noexcept {
    timespec at = {};
    if (!deadline.is_never()) {
        // steady_clock is CLOCK_MONOTONIC, which FUTEX_WAIT_BITSET's absolute time counts in.
        const auto ns = std::chrono::nanoseconds(deadline.at().time_since_epoch()).count();
        at.tv_sec = ns / 1'000'000'000;
        at.tv_nsec = ns % 1'000'000'000;
    }
    const long r = ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, seen,
                             deadline.is_never() ? nullptr : &at, nullptr, FUTEX_BITSET_MATCH_ANY);
    return !(r == -1 && errno == ETIMEDOUT);
}

void futex_wake_all(FutexWord& word) noexcept {
    (void)::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

} // namespace segue::vmm
