// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/standstill.hpp"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <chrono>

#include "tests/bench/cores.hpp"

namespace segue::bench {

namespace {

constexpr long kPollNs = 20'000;

std::int64_t now_ns() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

} // namespace

StandStill::StandStill(std::vector<const std::uint64_t*> counters, int core)
    : counters_(std::move(counters))
    , seen_(counters_.size())
    , thread_([this, core] { watch(core); }) {}

StandStill::~StandStill() {
    end_ = true;
    thread_.join();
}

bool StandStill::moved() {
    bool any = false;
    for (std::size_t i = 0; i < counters_.size(); ++i) {
        const std::uint64_t now = __atomic_load_n(counters_[i], __ATOMIC_RELAXED);
        any |= now != seen_[i];
        if (now < seen_[i])
            went_back_ = true;
        seen_[i] = now;
    }
    return any;
}

void StandStill::watch(int core) {
    pin_to(core);
    ::prctl(PR_SET_TIMERSLACK, 1); // or a sleep of 20 us takes 70
    std::int64_t last = now_ns();
    while (!end_) {
        const timespec poll = {0, kPollNs};
        ::clock_nanosleep(CLOCK_MONOTONIC, 0, &poll, nullptr);
        const std::int64_t now = now_ns();
        if (moved()) {
            longest_ns_ = std::max(longest_ns_.load(), now - last);
            last = now;
        }
    }
}

} // namespace segue::bench
