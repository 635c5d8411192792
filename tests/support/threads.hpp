// SPDX-License-Identifier: Apache-2.0
// threads.hpp - for tests: how the host runs a process and its threads, as an operator sees and
// sets it with taskset, chrt, renice and choom.
#pragma once

#include <sched.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace segue::test {

inline std::string proc_text(pid_t pid, const std::string& file) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/" + file);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Names by thread id.
inline std::map<pid_t, std::string> threads_of(pid_t pid) {
    std::map<pid_t, std::string> all;
    std::error_code ended;
    std::filesystem::directory_iterator it("/proc/" + std::to_string(pid) + "/task", ended), end;
    for (; !ended && it != end; it.increment(ended)) {
        std::string name;
        if (std::getline(std::ifstream(it->path() / "comm"), name))
            all[std::stoi(it->path().filename())] = name;
    }
    return all;
}

// 0: there is none of this name.
inline pid_t thread_named(pid_t pid, const std::string& name) {
    for (const auto& [tid, its] : threads_of(pid))
        if (its == name)
            return tid;
    return 0;
}

// "cpus 0-1, policy 0, priority 0, nice 0"; "" once it has ended.
inline std::string scheduling_text(pid_t tid) {
    const std::string status = proc_text(tid, "status"), key = "Cpus_allowed_list:\t";
    const auto at = status.find(key);
    sched_param param = {};
    if (at == status.npos || ::sched_getparam(tid, &param) != 0)
        return "";
    const auto cpus = at + key.size();
    return "cpus " + status.substr(cpus, status.find('\n', cpus) - cpus) + ", policy " +
           std::to_string(::sched_getscheduler(tid)) + ", priority " +
           std::to_string(param.sched_priority) + ", nice " +
           std::to_string(::getpriority(PRIO_PROCESS, static_cast<id_t>(tid)));
}

// The CPUs that this process may use.
inline std::vector<int> own_cpus() {
    std::vector<int> all;
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) == 0)
        for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
            if (CPU_ISSET(cpu, &set))
                all.push_back(cpu);
    return all;
}

// Each says what the host has against it, or "".
inline std::string taskset(pid_t tid, int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return ::sched_setaffinity(tid, sizeof set, &set) == 0 ? "" : std::strerror(errno);
}
inline std::string chrt(pid_t tid, int policy, int priority) {
    const sched_param param = {priority};
    return ::sched_setscheduler(tid, policy, &param) == 0 ? "" : std::strerror(errno);
}
inline std::string renice(pid_t tid, int nice) {
    return ::setpriority(PRIO_PROCESS, static_cast<id_t>(tid), nice) == 0 ? ""
                                                                          : std::strerror(errno);
}

inline std::string set_oom_score(pid_t pid, int score) {
    std::ofstream file("/proc/" + std::to_string(pid) + "/oom_score_adj");
    return file << score << std::flush ? "" : std::strerror(errno);
}

} // namespace segue::test
