// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/bench_vmm.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <segue/cpp/sys.hpp>

namespace segue::bench {

using namespace std::chrono_literals;

namespace {

constexpr const char* kName = "bench";

} // namespace

BenchVmm::BenchVmm()
    : places_{dir_ / ("run/" + std::string(kName)), dir_ / ("state/" + std::string(kName))}
    , client_(kName, places_.api_socket(), kPatience) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); // later generations become ours
}

BenchVmm::~BenchVmm() {
    if (owner_ > 0) {
        ::kill(owner_, SIGKILL);
        ::waitpid(owner_, nullptr, 0);
    }
}

Status BenchVmm::start(const std::string& guest, const std::string& config) {
    std::error_code error;
    const auto bin = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    const std::string file = dir_ / "bench.toml";
    std::ofstream(file) << "[guest]\nname = \"" << kName << "\"\nkernel = \""
                        << (bin.parent_path() / "share/segue/metronome.elf").string() << "\"\n"
                        << guest << config;
    SEGUE_TRY(create(places_));
    SEGUE_ASSIGN(const UniqueFd log, sys::open(places_.log(), O_WRONLY | O_CREAT | O_APPEND));
    SpawnSpec s;
    s.argv = {(bin / "segue-vmm").string(),
              "--config",
              file,
              "--run-dir",
              dir_ / "run",
              "--state-dir",
              dir_ / "state"};
    s.fds = {{log.get(), 1}, {log.get(), 2}};
    SEGUE_ASSIGN(first_, spawn(s));
    owner_ = first_.pid;
    for (const Deadline deadline = Deadline::in(kPatience); !client_.healthz();)
        if (auto ended = wait_exit(first_, Deadline::in(10ms)); ended || deadline.passed())
            return Error(Code::Io, "the VMM does not answer; its log is " + places_.log());
    return {};
}

void BenchVmm::owned_by(pid_t pid) {
    rusage used = {};
    if (pid != owner_ && ::wait4(owner_, nullptr, 0, &used) == owner_)
        spent_ += static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                  1e-6 * static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    owner_ = pid;
}

double BenchVmm::cpu_seconds() const {
    clockid_t clock = 0;
    timespec t = {};
    if (::clock_getcpuclockid(owner_, &clock) == 0)
        ::clock_gettime(clock, &t);
    return spent_ + static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

} // namespace segue::bench
