// SPDX-License-Identifier: Apache-2.0
// cores.hpp - who runs where: a waker and a woken thread on one core wait for a scheduler tick.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <chrono>
#include <vector>

namespace segue::bench {

// Between two polls of the observer, of the floor and of the modes alike: finer polls would take
// the core from the threads that are measured (20 us: the floor takes twice as long).
constexpr std::chrono::microseconds kPollEvery{200};

// The cores that this process may use.
inline std::vector<int> cores() {
    cpu_set_t set;
    std::vector<int> out;
    if (::sched_getaffinity(0, sizeof set, &set) == 0)
        for (int i = 0; i < CPU_SETSIZE; ++i)
            if (CPU_ISSET(i, &set))
                out.push_back(i);
    return out;
}

// Binds the calling thread; a refusal leaves it where it is.
inline void pin_to(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

// The last core is the observer's and the mover's; vCPUs share the others, or all where they are
// more than that.
inline int observer_core(const std::vector<int>& all) {
    return all.back();
}
inline int vcpu_core(const std::vector<int>& all, unsigned vcpu, unsigned vcpus) {
    const std::size_t free = all.size() - 1;
    return vcpus <= free ? all[vcpu % free] : all[vcpu % all.size()];
}

} // namespace segue::bench
