// SPDX-License-Identifier: Apache-2.0
#include "sdk/testkit/child.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <segue/cpp/pipe.hpp>
#include <segue/cpp/sys.hpp>

#include "sdk/testkit/rules.hpp"

namespace segue::testkit {

namespace {

using Clock = std::chrono::steady_clock;

// Verdict, what, rule, each with a NUL behind it; so its end is known while the pipe is still held
// by somebody whom the plugin left behind.
std::string to_bytes(const Outcome& o) {
    return std::to_string(static_cast<int>(o.verdict)) + '\0' + o.what + '\0' + o.rule + '\0';
}

bool from_bytes(const std::string& bytes, Outcome& out) {
    if (std::count(bytes.begin(), bytes.end(), '\0') < 3)
        return false;
    const auto first = bytes.find('\0'), second = bytes.find('\0', first + 1);
    out.verdict = static_cast<Verdict>(bytes[0] - '0');
    out.what = bytes.substr(first + 1, second - first - 1);
    out.rule = bytes.substr(second + 1, bytes.find('\0', second + 1) - second - 1);
    return true;
}

[[noreturn]] void be_the_child(const std::function<Outcome()>& run, int to) {
    ::signal(SIGPIPE, SIG_IGN); // as in the host
    const std::string bytes = to_bytes(run());
    (void)sys::write_all(to, std::as_bytes(std::span(bytes))).ok();
    ::_exit(0); // the plugin stays loaded, as it does in the host
}

// False where nothing whole comes by then.
bool hear(int from, Clock::time_point end, Outcome& out) {
    std::string bytes;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
        pollfd p = {from, POLLIN, 0};
        if (left <= 0 || sys::retry([&] { return ::poll(&p, 1, static_cast<int>(left)); }) != 1)
            return false;
        char room[4096];
        const auto n = sys::retry([&] { return ::read(from, room, sizeof room); });
        if (n <= 0)
            return false;
        bytes.append(room, static_cast<std::size_t>(n));
        if (from_bytes(bytes, out))
            return true;
    }
}

// Waits until then, and kills it where it still runs: it may have closed our pipe.
int reap(pid_t pid, Clock::time_point end) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    const auto pidfd = sys::pidfd(pid);
    pollfd p = {pidfd ? pidfd->get() : -1, POLLIN, 0};
    if (left <= 0 || sys::retry([&] { return ::poll(&p, 1, static_cast<int>(left)); }) != 1)
        ::kill(pid, SIGKILL);
    int status = 0;
    sys::retry([&] { return ::waitpid(pid, &status, 0); });
    return status;
}

std::string how_it_ended(int status) {
    if (WIFSIGNALED(status))
        return std::string("died of ") + ::strsignal(WTERMSIG(status));
    return "was ended with exit code " + std::to_string(WEXITSTATUS(status));
}

} // namespace

Result<Trace> Trace::make() {
    SEGUE_ASSIGN(Mapping map, Mapping::make(sizeof(Page), PROT_READ | PROT_WRITE,
                                            MAP_SHARED | MAP_ANONYMOUS, -1, 0, "the trace"));
    return Trace(std::move(map));
}

void Trace::doing(const char* function) {
    std::snprintf(page().function, sizeof page().function, "%s", function);
}

std::string Trace::last() const {
    return page().function;
}

void Trace::put_command(pid_t in_place_of, pid_t pid) {
    for (pid_t& slot : page().commands)
        if (slot == in_place_of) {
            slot = pid;
            return;
        }
}

void Trace::end_commands() const {
    for (pid_t& slot : page().commands)
        if (slot > 1)
            ::kill(-std::exchange(slot, 0), SIGKILL);
}

Outcome in_child(Trace& trace, std::chrono::milliseconds deadline,
                 const std::function<Outcome()>& run) {
    auto pipe = sys::pipe();
    if (!pipe)
        return {Verdict::Failed, pipe.error().what(), ""};
    auto& [from, to] = *pipe;
    trace.doing("");
    const auto end = Clock::now() + deadline;
    std::fflush(nullptr); // or the child would print it once more
    const pid_t pid = ::fork();
    if (pid < 0)
        return {Verdict::Failed, Error::from_errno(errno, "fork").what(), ""};
    if (pid == 0)
        be_the_child(run, to.get());
    to.reset();
    Outcome out;
    const bool heard = hear(from.get(), end, out);
    const bool late = !heard && Clock::now() >= end;
    const int status = reap(pid, end);
    trace.end_commands();
    if (heard)
        return out;
    const std::string in = trace.last().empty() ? "the process" : trace.last();
    if (late)
        return {Verdict::Failed,
                in + " did not come back within " + std::to_string(deadline.count()) + " ms",
                rules::never_blocks};
    return {Verdict::Failed, "the process " + how_it_ended(status) + " in " + in,
            rules::never_ends_the_process};
}

} // namespace segue::testkit
