// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/placement.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>

#include "tests/bench/cores.hpp"

namespace segue::bench {

namespace {

constexpr std::string_view kVcpuThread = "vcpu"; // and its number

void pin(pid_t tid, const std::vector<int>& cores) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int core : cores)
        CPU_SET(core, &set);
    ::sched_setaffinity(tid, sizeof set, &set); // a thread that has ended is no loss
}

} // namespace

const char* name_of(Placement placement) {
    return placement == Placement::Free ? "free" : "apart";
}

Result<Placement> placement_of(const std::string& name) {
    for (const Placement p : {Placement::Free, Placement::Apart})
        if (name == name_of(p))
            return p;
    return Error(Code::Invalid, "no placement is called '" + name + "'")
        .way_out("choose free or apart");
}

const char* describe(Placement placement) {
    return placement == Placement::Free
               ? "the VMM's threads and the observer run where the scheduler likes"
               : "before each update: vCPUs on the first core (all, where they are more than the "
                 "cores but one), the VMM's other threads, what they start, and the observer on "
                 "the last";
}

void place(pid_t pid, unsigned vcpus, Placement placement) {
    const std::vector<int> all = cores();
    if (placement == Placement::Free || all.empty())
        return;
    std::error_code ended;
    const std::filesystem::path tasks = "/proc/" + std::to_string(pid) + "/task";
    for (std::filesystem::directory_iterator it(tasks, ended), end; !ended && it != end;
         it.increment(ended)) {
        std::string name;
        std::getline(std::ifstream(it->path() / "comm"), name);
        const pid_t tid = std::stoi(it->path().filename());
        unsigned vcpu = 0;
        if (name.rfind(kVcpuThread, 0) == 0 &&
            std::from_chars(name.data() + kVcpuThread.size(), name.data() + name.size(), vcpu).ec ==
                std::errc{})
            pin(tid, {vcpu_core(all, vcpu, vcpus)});
        else
            pin(tid, {observer_core(all)});
    }
}

} // namespace segue::bench
