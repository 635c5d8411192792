// SPDX-License-Identifier: Apache-2.0
// memory_peak.hpp - how much memory some processes take together, at most.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace segue::bench {

// Sums of their proportional set sizes (a page that n processes map counts 1/n for each), sampled
// by a thread of its own without a pause: each sample goes through the page tables, which takes a
// good part of a core. One that has ended counts 0.
class MemoryPeak {
public:
    // Told to each sample anew. Who gets memory comes before who gives it: what passes from the
    // one to the other meanwhile is not counted twice. [the thread of this]
    using Who = std::function<std::vector<pid_t>()>;
    explicit MemoryPeak(Who who);
    ~MemoryPeak();
    MemoryPeak(const MemoryPeak&) = delete;
    MemoryPeak& operator=(const MemoryPeak&) = delete;

    double mib() const { return static_cast<double>(most_) / 1024; }

private:
    const Who who_;
    std::atomic<std::uint64_t> most_{0}; // KiB
    std::atomic<bool> ends_{false};
    std::thread thread_;
};

// The children of a process, and the process.
std::vector<pid_t> family_of(pid_t pid);

} // namespace segue::bench
