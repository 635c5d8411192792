// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/command.hpp"

#include <csignal>
#include <exception>

#include "core/base/spawn.hpp"

namespace segue::plugin {

namespace {

// What SIGKILL takes, unless the kernel itself is stuck.
constexpr std::chrono::seconds kReap{1};

template <class F>
segue_status guarded(segue_error* e, F f) {
    try {
        const Status s = f();
        return s.ok() ? SEGUE_OK : s.error().to_abi(e);
    } catch (const std::exception& x) { // no memory
        return Error(Code::Internal, x.what()).to_abi(e);
    }
}

segue_status start(void*, const char* command, std::int32_t in, std::int32_t out, std::int32_t err,
                   std::int32_t* pid, std::int32_t* pidfd, segue_error* e) {
    return guarded(e, [&]() -> Status {
        SpawnSpec spec;
        spec.argv = {"/bin/sh", "-c", command};
        spec.new_session = true;
        int theirs = 0;
        for (const int ours : {in, out, err}) {
            if (ours >= 0)
                spec.fds.emplace_back(ours, theirs);
            ++theirs;
        }
        SEGUE_ASSIGN(Child child, spawn(spec));
        *pid = child.pid;
        *pidfd = child.pidfd.release();
        return {};
    });
}

// The group first: its number is taken as long as the leader is not reaped.
segue_status end(void*, std::int32_t pid, std::int32_t pidfd, std::int32_t* code,
                 std::int32_t* signal, segue_error* e) {
    return guarded(e, [&]() -> Status {
        if (pid <= 1 || pidfd < 0)
            return Error(Code::Invalid, "end a command that was never started");
        ::kill(-pid, SIGKILL);
        Child child{pid, UniqueFd(pidfd)};
        auto exit = wait_exit(child, Deadline::in(kReap));
        if (!exit) {
            (void)child.pidfd.release(); // the caller's again
            return std::move(exit).error();
        }
        *code = exit->code;
        *signal = exit->signal;
        return {};
    });
}

constexpr segue_host_command table = {nullptr, start, end};

} // namespace

const segue_host_command* command_service() {
    return &table;
}

} // namespace segue::plugin
