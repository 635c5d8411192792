// SPDX-License-Identifier: Apache-2.0
#include "core/base/spawn.hpp"

#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include <segue/cpp/sys.hpp>

namespace segue {
namespace {

class Actions {
public:
    Actions() { ::posix_spawn_file_actions_init(&raw_); }
    ~Actions() { ::posix_spawn_file_actions_destroy(&raw_); }
    Actions(const Actions&) = delete;
    Actions& operator=(const Actions&) = delete;
    posix_spawn_file_actions_t* get() { return &raw_; }

private:
    posix_spawn_file_actions_t raw_;
};

class Attributes {
public:
    explicit Attributes(bool new_session) {
        ::posix_spawnattr_init(&raw_);
        sigset_t none, all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_setsigmask(&raw_, &none);
        ::posix_spawnattr_setsigdefault(&raw_, &all);
        const int session = new_session ? POSIX_SPAWN_SETSID : 0;
        const int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | session;
        ::posix_spawnattr_setflags(&raw_, static_cast<short>(flags));
    }
    ~Attributes() { ::posix_spawnattr_destroy(&raw_); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    posix_spawnattr_t* get() { return &raw_; }

private:
    posix_spawnattr_t raw_;
};

// Ours are first copied above every number of the child's, so that no dup2 overwrites one that a
// later dup2 needs.
Result<std::vector<UniqueFd>> raise_above(const std::vector<std::pair<int, int>>& fds, int top) {
    std::vector<UniqueFd> raised;
    for (const auto& [ours, theirs] : fds) {
        const int fd = ::fcntl(ours, F_DUPFD_CLOEXEC, top + 1);
        if (fd < 0)
            return Error::from_errno(errno, "spawn: dup of fd " + std::to_string(ours) +
                                                " for the child's " + std::to_string(theirs));
        raised.emplace_back(fd);
    }
    return raised;
}

void plan(Actions& actions, const SpawnSpec& spec, const std::vector<UniqueFd>& raised, int top) {
    for (int fd = 0; fd <= top; ++fd) {
        const auto it = std::find_if(spec.fds.begin(), spec.fds.end(),
                                     [fd](const auto& pair) { return pair.second == fd; });
        if (it != spec.fds.end())
            ::posix_spawn_file_actions_adddup2(
                actions.get(), raised[static_cast<std::size_t>(it - spec.fds.begin())].get(), fd);
        else if (fd <= 2)
            ::posix_spawn_file_actions_addopen(actions.get(), fd, "/dev/null", O_RDWR, 0);
        else
            ::posix_spawn_file_actions_addclose(actions.get(), fd);
    }
    ::posix_spawn_file_actions_addclosefrom_np(actions.get(), top + 1);
}

} // namespace

Result<Child> spawn(const SpawnSpec& spec) {
    if (spec.argv.empty())
        return Error(Code::Invalid, "spawn: no command was given");
    const std::string& program = spec.program.empty() ? spec.argv.front() : spec.program;
    int top = 2;
    for (const auto& pair : spec.fds)
        top = std::max(top, pair.second);
    SEGUE_ASSIGN(const auto raised, raise_above(spec.fds, top));
    Actions actions;
    plan(actions, spec, raised, top);
    Attributes attributes(spec.new_session);
    std::vector<char*> argv;
    for (const auto& word : spec.argv)
        argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    std::vector<char*> env;
    for (char** e = environ; *e != nullptr; ++e)
        env.push_back(*e);
    for (const auto& word : spec.extra_env)
        env.push_back(const_cast<char*>(word.c_str()));
    env.push_back(nullptr);

    Child child;
    if (const int e = ::posix_spawn(&child.pid, program.c_str(), actions.get(), attributes.get(),
                                    argv.data(), env.data()))
        return Error::from_errno(e, "start " + program).with("program", program);
    SEGUE_ASSIGN(child.pidfd, sys::pidfd(child.pid));
    return child;
}

std::string to_string(const Exit& exit) {
    if (exit.signal == 0)
        return "exited with " + std::to_string(exit.code);
    const char* name = ::sigabbrev_np(exit.signal);
    return "was killed by " +
           (name != nullptr ? std::string("SIG") + name : std::to_string(exit.signal));
}

Result<Exit> wait_exit(const Child& child, Deadline deadline) {
    pollfd p = {child.pidfd.get(), POLLIN, 0};
    const int n = sys::retry([&] { return ::poll(&p, 1, deadline.poll_ms()); });
    if (n < 0)
        return Error::from_errno(errno, "wait for process " + std::to_string(child.pid));
    if (n == 0)
        return Error(Code::Deadline, "process " + std::to_string(child.pid) + " still runs");
    siginfo_t info = {};
    if (sys::retry([&] {
            return ::waitid(P_PIDFD, static_cast<id_t>(child.pidfd.get()), &info, WEXITED);
        }) != 0)
        return Error::from_errno(errno, "wait for process " + std::to_string(child.pid));
    return info.si_code == CLD_EXITED ? Exit{info.si_status, 0} : Exit{0, info.si_status};
}

} // namespace segue
