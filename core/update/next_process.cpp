// SPDX-License-Identifier: Apache-2.0
#include "core/update/next_process.hpp"

#include <sys/socket.h>

#include <csignal>

#include <segue/cpp/socket.hpp>

#include "core/update/hello.hpp"

namespace segue::update {

namespace {

constexpr std::chrono::seconds kReap{5};

} // namespace

Status NextProcess::reach() {
    SEGUE_ASSIGN(const auto address, sys::unix_address(a_.ctx.standby_path));
    if (auto waiting = sys::unix_connect(address))
        return attach(std::move(*waiting));
    return start();
}

Status NextProcess::start() {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return Error::from_errno(errno, "socketpair");
    UniqueFd mine(pair[0]), theirs(pair[1]);
    SEGUE_ASSIGN(child_, a_.ctx.launcher.start(a_.request.successor, theirs.get()));
    ours_ = true;
    watch(std::move(mine));
    return {};
}

Status NextProcess::attach(UniqueFd connected) {
    SEGUE_TRY(sys::check_peer(connected.get()));
    SEGUE_ASSIGN(child_.pid, sys::peer_pid(connected.get()));
    SEGUE_ASSIGN(child_.pidfd, sys::pidfd(child_.pid));
    watch(std::move(connected));
    return {};
}

void NextProcess::watch(UniqueFd connected) {
    stream_ = Stream(std::move(connected));
    a_.session.peer_pidfd = child_.pidfd.get();
}

Status NextProcess::greet() {
    const Waiter wait = a_.session.wait();
    const int record = a_.ctx.ownership.fd();
    SEGUE_TRY(stream_.send(MessageType::Hello, a_.manifest_bytes, std::span(&record, 1), wait));
    SEGUE_ASSIGN(Message m, stream_.expect(MessageType::Welcome, wait));
    SEGUE_ASSIGN(const Welcome w, decode_welcome(m.body));
    a_.session.agreed.wire_rev = w.wire_rev;
    a_.progress.change([&](report::UpdateRecord& r) {
        r.to_version = w.version;
        r.to_pid = child_.pid;
    });
    return {};
}

bool NextProcess::abandon() noexcept {
    if (!child_.pidfd)
        return false;
    (void)sys::pidfd_signal(child_.pidfd.get(), SIGKILL).ok();
    refusal_ = last_refusal(stream_, Waiter{Deadline::in(std::chrono::milliseconds(0))});
    killed_ = true;
    stream_.close();
    const bool claimed = a_.ctx.ownership.close_claims();
    // Whoever only waits for his devices must not wait for an exit, too.
    if (claimed)
        (void)Waiter{Deadline::in(kReap)}.until(child_.pidfd.get(), POLLIN).ok();
    return claimed;
}

// "The other VMM process ended" is no reason: its own words and its exit are.
void NextProcess::explain(Error& why) {
    if (!child_.pidfd || why.code() == Code::Cancelled)
        return;
    const std::string key = ours_ ? "binary" : "standby";
    const std::string name = ours_ ? a_.request.successor.binary : a_.ctx.standby_path;
    if (why.code() == Code::Closed) {
        Error told = refusal_ ? *std::move(refusal_) : its_end(key + " " + name);
        for (const auto& [what, value] : why.details()) // what the rollback found, too
            std::move(told).with(what, value);
        why = std::move(told);
    }
    if (why.way_out().empty())
        std::move(why).way_out("the guest runs on unharmed; read the log of both VMMs, and try "
                               "the binary by hand: " +
                               a_.request.successor.binary + " --version");
    std::move(why).with(key, name);
}

NextProcess::~NextProcess() {
    if (!killed_ || reaped_)
        return;
    (void)Waiter{Deadline::in(kReap)}.until(child_.pidfd.get(), POLLIN).ok();
    if (ours_)
        (void)wait_exit(child_, Deadline::in(std::chrono::seconds(0))).ok();
}

Error NextProcess::its_end(const std::string& who) {
    if (!ours_)
        return {Code::Refused, "the new VMM, " + who + ", hung up"};
    const auto exit = wait_exit(child_, Deadline::in(kReap));
    reaped_ = exit.ok();
    const std::string how = exit ? to_string(*exit) : "hung up";
    const std::string words = a_.ctx.launcher.last_words(child_);
    return Error(Code::Refused,
                 "the new VMM, " + who + ", " + how + (words.empty() ? "" : ": " + words))
        .with("exit", how);
}

} // namespace segue::update
