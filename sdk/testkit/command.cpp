// SPDX-License-Identifier: Apache-2.0
// command.cpp - commands for a plugin under test, as the host runs them.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <segue/cpp/sys.hpp>

#include "sdk/testkit/fake_host.hpp"

namespace segue::testkit {

namespace {

segue_status start(void* h, const char* command, std::int32_t in, std::int32_t out,
                   std::int32_t err, std::int32_t* pid, std::int32_t* pidfd, segue_error* e) {
    posix_spawn_file_actions_t files;
    ::posix_spawn_file_actions_init(&files);
    int to = 0;
    for (const int from : {in, out, err}) {
        if (from >= 0)
            ::posix_spawn_file_actions_adddup2(&files, from, to);
        else
            ::posix_spawn_file_actions_addopen(&files, to, "/dev/null", O_RDWR, 0);
        ++to;
    }
    ::posix_spawn_file_actions_addclosefrom_np(&files, to);
    posix_spawnattr_t how;
    ::posix_spawnattr_init(&how);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&how, &none);
    ::posix_spawnattr_setsigdefault(&how, &all);
    ::posix_spawnattr_setflags(&how,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    char shell[] = "/bin/sh", c[] = "-c";
    char* const argv[] = {shell, c, const_cast<char*>(command), nullptr};
    pid_t child = -1;
    const int failed = ::posix_spawn(&child, shell, &files, &how, argv, environ);
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&how);
    if (failed != 0)
        return Error::from_errno(failed, "start /bin/sh").to_abi(e);
    static_cast<Trace*>(h)->command(child);
    auto fd = sys::pidfd(child);
    if (!fd)
        return fd.error().to_abi(e);
    *pid = child;
    *pidfd = fd->release();
    return SEGUE_OK;
}

segue_status end(void* h, std::int32_t pid, std::int32_t pidfd, std::int32_t* code,
                 std::int32_t* signal, segue_error* e) {
    if (pid <= 1 || pidfd < 0)
        return Error(Code::Invalid, "end a command that was never started").to_abi(e);
    ::kill(-pid, SIGKILL);
    int status = 0;
    if (sys::retry([&] { return ::waitpid(pid, &status, 0); }) != pid)
        return Error::from_errno(errno, "wait for a command").to_abi(e);
    static_cast<Trace*>(h)->command_ended(pid);
    ::close(pidfd);
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    *signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return SEGUE_OK;
}

} // namespace

segue_host_command command_service(Trace& trace) {
    return {&trace, start, end};
}

} // namespace segue::testkit
