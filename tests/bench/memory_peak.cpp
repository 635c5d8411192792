// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/memory_peak.hpp"

#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace segue::bench {

namespace {

constexpr std::chrono::milliseconds kNap{2}; // of the samples' locks, so that mmap gets on

std::uint64_t pss_kib(pid_t pid) {
    std::ifstream rollup("/proc/" + std::to_string(pid) + "/smaps_rollup");
    for (std::string word; rollup >> word;)
        if (std::uint64_t kib = 0; word == "Pss:" && rollup >> kib)
            return kib;
    return 0;
}

// A child on its way to execve still is in its parent's.
bool same_memory(pid_t a, pid_t b) {
    return ::syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0) == 0;
}

} // namespace

std::vector<pid_t> family_of(pid_t pid) {
    std::vector<pid_t> all;
    std::error_code ended;
    const std::filesystem::path tasks = "/proc/" + std::to_string(pid) + "/task";
    for (std::filesystem::directory_iterator it(tasks, ended), end; !ended && it != end;
         it.increment(ended)) {
        std::ifstream children(it->path() / "children");
        for (pid_t child = 0; children >> child;)
            if (!same_memory(pid, child))
                all.push_back(child);
    }
    all.push_back(pid);
    return all;
}

MemoryPeak::MemoryPeak(Who who)
    : who_(std::move(who))
    , thread_([this] {
        for (; !ends_; std::this_thread::sleep_for(kNap)) {
            std::uint64_t sum = 0;
            for (const pid_t pid : who_())
                sum += pss_kib(pid);
            most_ = std::max<std::uint64_t>(most_, sum);
        }
    }) {}

MemoryPeak::~MemoryPeak() {
    ends_ = true;
    thread_.join();
}

} // namespace segue::bench
