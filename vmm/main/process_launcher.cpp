// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/process_launcher.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include <segue/cpp/sys.hpp>

#include "core/base/log.hpp"
#include "core/base/trusted.hpp"
#include "core/update/handoff.hpp"
#include "core/update/preflight.hpp"
#include "core/update/probe.hpp"
#include "vmm/main/options.hpp"
#include "vmm/main/undertaker.hpp"
#include "vmm/vcpu/scheduling.hpp"

namespace segue::vmm {

namespace {

constexpr std::chrono::seconds kReap{5};
constexpr std::uint64_t kLogTail = 16384; // bytes of the log that are looked at,
constexpr std::size_t kLastWords = 300;   // and quoted in an error

// What a line of the log says of the child's end: its warnings and errors, and what comes from the
// dynamic linker, the C library or a sanitizer; not what we write there ourselves.
std::string complaint(const std::string& line, pid_t child) {
    const auto stamp = line.find(" segue-vmm[");
    if (stamp == std::string::npos)
        return line;
    const std::string own = "[" + std::to_string(child) + "] ";
    const auto at = line.find(own, stamp);
    if (at == std::string::npos)
        return {};
    const std::string text = line.substr(at + own.size());
    return text.rfind("warning:", 0) == 0 || text.rfind("error:", 0) == 0 ? text : std::string();
}

Result<std::filesystem::path> usable(const std::string& binary) {
    SEGUE_TRY(update::check_binary(binary));
    return trusted_file(binary);
}

Result<Child> with_name(Result<Child> child, const ports::SuccessorSpec& spec) {
    if (child)
        return child;
    return std::move(child)
        .error()
        .way_out("the guest runs on unharmed; name a VMM that this host can run: --binary")
        .with("binary", spec.binary);
}

// What was probed is still what its path names.
Status unchanged(const ports::Program& program) {
    struct stat now = {};
    const struct stat& then = program.seen;
    if (::stat(program.path.c_str(), &now) == 0 && now.st_dev == then.st_dev &&
        now.st_ino == then.st_ino && now.st_size == then.st_size &&
        now.st_mtim.tv_sec == then.st_mtim.tv_sec && now.st_mtim.tv_nsec == then.st_mtim.tv_nsec)
        return {};
    return Error(Code::Refused, program.path + " is not the file any more that stood the probe")
        .way_out("the guest runs on unharmed; update again: the new file is probed first")
        .with("binary", program.path);
}

// A new process starts with the scheduling of the thread that makes it, and execve keeps that of
// its caller: it is to be the main thread's, whose threads the new one's then are, too.
void run_as_main_thread() {
    const auto own = scheduling_of(0), main = scheduling_of(::getpid());
    Status s = !own ? own.error() : !main ? main.error() : reschedule(0, *own, *main);
    if (!s)
        log::warn("the new VMM does not run as this one's main thread: " + s.error().what());
}

// Returns only on failure. An interpreter opens its script by the name, and a wrapper may look at
// it; a program is the opened file itself.
Error execute(const ports::Program& program, char* const* argv, char* const* env) {
    char begin[2] = {};
    const bool script =
        ::pread(program.file.get(), begin, 2, 0) == 2 && begin[0] == '#' && begin[1] == '!';
    if (script)
        ::execve(program.path.c_str(), argv, env);
    else
        ::syscall(SYS_execveat, program.file.get(), "", argv, env, AT_EMPTY_PATH);
    return Error::from_errno(errno, "execve " + program.path);
}

} // namespace

std::vector<std::string> ProcessLauncher::exec_command(const std::string& binary,
                                                       const ports::SuccessorSpec& spec) const {
    std::vector<std::string> argv = command(binary, spec);
    argv.emplace_back("--from-exec");
    return argv;
}

std::vector<std::string> ProcessLauncher::command(const std::string& binary,
                                                  const ports::SuccessorSpec& spec) const {
    std::vector<std::string> argv = {binary, "--config", spec.config};
    argv.insert(argv.end(), common_.begin(), common_.end());
    return argv;
}

void ProcessLauncher::mark_log() {
    if (const auto st = sys::stat(2); st && S_ISREG(st->st_mode))
        log_size_ = static_cast<std::uint64_t>(st->st_size);
}

Result<Child> ProcessLauncher::start(const ports::SuccessorSpec& spec, int stream) {
    SEGUE_ASSIGN(const std::filesystem::path binary, usable(spec.binary));
    SpawnSpec s;
    s.argv = command(binary.string(), spec);
    s.argv.emplace_back("--incoming=fd:3");
    if (spec.at_rest)
        s.argv.emplace_back("--restore");
    s.fds = {{1, 1}, {2, 2}, {stream, 3}};
    s.new_session = true;
    mark_log();
    run_as_main_thread();
    return with_name(spawn(s), spec);
}

Result<ports::Program> ProcessLauncher::open(const ports::SuccessorSpec& spec) {
    ports::Program program;
    SEGUE_ASSIGN(const std::filesystem::path path, usable(spec.binary));
    program.path = path.string();
    SEGUE_ASSIGN(program.file, sys::open(program.path, O_RDONLY));
    SEGUE_ASSIGN(program.seen, sys::stat(program.file.get()));
    return program;
}

void ProcessLauncher::make_ready(ports::Program& program) noexcept {
    auto undertaker = Undertaker::start(slow_());
    if (undertaker)
        program.prepared = std::move(*undertaker);
    else
        log::warn("execve itself will end the VM, which takes longer: " +
                  undertaker.error().what());
}

Result<Child> ProcessLauncher::probe(const ports::SuccessorSpec& spec,
                                     const ports::Program& program, int stream) {
    SpawnSpec s;
    s.argv = exec_command(program.path, spec);
    s.fds = {{1, 1}, {2, 2}, {stream, 3}};
    s.extra_env = {std::string(update::kProbeVariable) + "=3"};
    s.new_session = true;
    mark_log();
    run_as_main_thread(); // and so will exec(), in the pause
    return with_name(spawn(s), spec);
}

Error ProcessLauncher::exec(const ports::SuccessorSpec& spec, const ports::Program& program,
                            int handoff, const std::vector<int>& keep) {
    if (const Status same = unchanged(program); !same)
        return same.error();
    std::vector<std::string> words = exec_command(program.path, spec);
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& w : words)
        argv.push_back(w.data());
    argv.push_back(nullptr);
    std::string variable = std::string(update::kHandoffVariable) + "=" + std::to_string(handoff);
    std::vector<char*> env;
    for (char** e = environ; *e != nullptr; ++e)
        env.push_back(*e);
    env.push_back(variable.data());
    env.push_back(nullptr);
    const auto close_on_exec = [&](int flag) {
        for (const int fd : keep)
            ::fcntl(fd, F_SETFD, flag);
        ::fcntl(handoff, F_SETFD, flag);
    };
    close_on_exec(0);
    Error why = execute(program, argv.data(), env.data());
    close_on_exec(FD_CLOEXEC);
    return std::move(why)
        .way_out("the guest runs on unharmed; put that right and update again")
        .with("binary", spec.binary);
}

std::string ProcessLauncher::last_words(const Child& child) {
    std::ifstream log(log_path_, std::ios::binary);
    log.seekg(0, std::ios::end);
    const auto end = static_cast<std::uint64_t>(std::max<std::streamoff>(log.tellg(), 0));
    log.seekg(static_cast<std::streamoff>(
        std::max(log_size_, end - std::min<std::uint64_t>(end, kLogTail))));
    std::string words;
    for (std::string line; std::getline(log, line);) {
        const std::string said = complaint(line, child.pid);
        if (!said.empty())
            words += (words.empty() ? "" : "; ") + said;
    }
    if (words.size() > kLastWords)
        words.erase(0, words.size() - kLastWords);
    return words;
}

} // namespace segue::vmm
