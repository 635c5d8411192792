// SPDX-License-Identifier: Apache-2.0
#include "vmm/main/process_launcher.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include <segue/cpp/sys.hpp>

#include "core/base/trusted.hpp"
#include "core/update/handoff.hpp"
#include "core/update/preflight.hpp"
#include "vmm/main/options.hpp"

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

} // namespace

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
    auto child = spawn(s);
    if (!child)
        return std::move(child)
            .error()
            .way_out("the guest runs on unharmed; name a VMM that this host can run: --binary")
            .with("binary", spec.binary);
    return child;
}

Status ProcessLauncher::probe(const ports::SuccessorSpec& spec, const Waiter& wait) {
    SEGUE_ASSIGN(const std::filesystem::path binary, usable(spec.binary));
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return Error::from_errno(errno, "pipe");
    const UniqueFd read(ends[0]);
    UniqueFd write(ends[1]);
    SpawnSpec s;
    s.argv = command(binary.string(), spec);
    s.fds = {{1, 1}, {2, 2}, {write.get(), 3}};
    s.extra_env = {std::string(kProbeVariable) + "=3"};
    s.new_session = true;
    mark_log();
    SEGUE_ASSIGN(const Child child, spawn(s));
    write.reset();
    // An answer, or a hang-up: whoever forks and leaves does not answer for us.
    Status ready = wait.until(read.get(), POLLIN);
    char answer = 0;
    const bool said_yes = ready && ::read(read.get(), &answer, 1) == 1 && answer == 'y';
    if (!said_yes)
        (void)sys::pidfd_signal(child.pidfd.get(), SIGKILL).ok();
    const auto exit = wait_exit(child, Deadline::in(kReap));
    if (ready.code() == Code::Cancelled)
        return ready;
    if (said_yes && exit && exit->clean())
        return {};
    const std::string words = last_words(child);
    return Error(Code::Refused, "the new binary " + spec.binary + " does not stand the probe: it " +
                                    (!ready ? "did not answer in time"
                                     : exit ? to_string(*exit)
                                            : "hangs") +
                                    (words.empty() ? "" : ": " + words))
        .way_out("the guest runs on unharmed; try the binary by hand: " + spec.binary +
                 " --version")
        .with("binary", spec.binary);
}

Error ProcessLauncher::exec(const ports::SuccessorSpec& spec, int handoff,
                            const std::vector<int>& keep) {
    const auto binary = trusted_file(spec.binary);
    if (!binary)
        return binary.error();
    std::vector<std::string> words = command(binary->string(), spec);
    std::vector<char*> argv;
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
    ::execve(argv[0], argv.data(), env.data());
    Error why = Error::from_errno(errno, "execve " + spec.binary).with("binary", spec.binary);
    close_on_exec(FD_CLOEXEC);
    return why;
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
