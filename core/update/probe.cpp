// SPDX-License-Identifier: Apache-2.0
#include "core/update/probe.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <csignal>

namespace segue::update {

namespace {

constexpr std::chrono::seconds kReap{5}, kLastWords{1};

// Every error is the program's, or CANCELLED.
Status agree(Attempt& a, const Stream& stream, const Child& child, const Waiter& wait) {
    SEGUE_ASSIGN(const Welcome w, ask(stream, a.manifest_bytes, child, wait));
    a.session.agreed.wire_rev = w.wire_rev;
    a.progress.change([&](report::UpdateRecord& r) { r.to_version = w.version; });
    return {};
}

Error how_it_ended(Attempt& a, const Child& child, const Result<Exit>& exit) {
    const std::string how = exit ? to_string(*exit) : "hangs";
    const std::string words = a.ctx.launcher.last_words(child);
    return Error(Code::Refused, "the new VMM does not stand the probe: it " + how +
                                    (words.empty() ? "" : ": " + words))
        .with("exit", how);
}

} // namespace

Result<Welcome> ask(const Stream& stream, std::span<const std::byte> manifest, const Child& child,
                    const Waiter& wait) {
    SEGUE_TRY(stream.send(MessageType::Hello, manifest, {}, wait));
    SEGUE_ASSIGN(const Message m, stream.expect(MessageType::Welcome, wait));
    SEGUE_ASSIGN(Welcome w, decode_welcome(m.body));
    if (w.pid != child.pid)
        return Error(Code::Refused, "the new VMM answered as process " + std::to_string(w.pid) +
                                        ", not as " + std::to_string(child.pid) +
                                        ", the command that was started: it forks")
            .way_out("a wrapper must end in 'exec segue-vmm \"$@\"'");
    if (wait.until(-1, 0).code() != Code::Closed)
        SEGUE_TRY(wait.check());
    return w;
}

Status probe(Attempt& a, const ports::Program& program) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return Error::from_errno(errno, "socketpair");
    const Stream stream{UniqueFd(pair[0])};
    UniqueFd theirs(pair[1]);
    SEGUE_ASSIGN(const Child child,
                 a.ctx.launcher.probe(a.request.successor, program, theirs.get()));
    theirs.reset();
    Waiter wait = a.session.wait();
    wait.peer_pidfd = child.pidfd.get();
    Status said = agree(a, stream, child, wait);
    if (said.code() == Code::Closed) // its own end says more
        (void)Waiter{Deadline::in(kLastWords), wait.cancel_fd}.until(wait.peer_pidfd, POLLIN).ok();
    if (!said)
        ::kill(-child.pid, SIGKILL); // with what it forked; it leads its session
    const auto exit = wait_exit(child, Deadline::in(kReap));
    if (said && exit && exit->clean())
        return {};
    if (said || said.code() == Code::Closed)
        said = how_it_ended(a, child, exit);
    Error why = std::move(said).error();
    if (why.way_out().empty() && why.code() != Code::Cancelled)
        std::move(why).way_out("the guest runs on unharmed; try the binary by hand: " +
                               a.request.successor.binary + " --version");
    return std::move(why).with("binary", a.request.successor.binary);
}

} // namespace segue::update
