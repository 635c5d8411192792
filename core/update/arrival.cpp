// SPDX-License-Identifier: Apache-2.0
#include "core/update/arrival.hpp"

#include <poll.h>

#include <segue/cpp/sys.hpp>

#include "core/base/log.hpp"

namespace segue::update {

namespace {

// For one message on a connection that is up; for who is at the door to say who he is, while the
// connection that there is may be the right one.
constexpr std::chrono::seconds kMessage{5}, kDoor{1};

bool readable(int fd) {
    pollfd p = {fd, POLLIN, 0};
    return fd >= 0 && ::poll(&p, 1, 0) == 1;
}

} // namespace

Arrival::~Arrival() {
    sys::signal_event(stop_.get());
}

Status Arrival::begin(int cancel_fd) {
    SEGUE_ASSIGN(stop_, sys::event());
    SEGUE_ASSIGN(stream_, entrance_.engine(Waiter{Deadline::never(), cancel_fd}));
    return teller_.make("teller", [this] { tell_until_heard(); });
}

// Whoever is at the door may be the old VMM, with a new connection in place of this one.
Status Arrival::renew(MessageType what, int stop_fd) {
    SEGUE_ASSIGN(Stream next, entrance_.engine(Waiter{Deadline::in(kDoor), stop_fd}));
    stream_ = std::move(next);
    // Where that fails there may still be to read what the other host said before it hung up.
    (void)stream_.send(what, {}, {}, Waiter{Deadline::in(kMessage), stop_fd}).ok();
    return {};
}

// What the other host answers, on whichever connection. `on_loss`: once, at the first loss. CLOSED:
// an operator has answered instead.
Result<Message> Arrival::answer_to(MessageType what, int stop_fd,
                                   const std::function<void()>& on_loss) {
    for (bool up = true, told = false;;) {
        const int door = entrance_.fd();
        if (up) {
            auto m = stream_.receive(Waiter{Deadline::never(), stop_fd, door});
            if (m || m.code() == Code::Cancelled)
                return m;
        }
        if (readable(door)) {
            const Status s = renew(what, stop_fd);
            up = up || s;
            continue;
        }
        if (up)
            stream_.close();
        up = false;
        if (!std::exchange(told, true))
            on_loss();
        const Waiter wait{Deadline::never(), stop_fd, doubt_.fd()};
        SEGUE_TRY(wait.until(door, POLLIN));
    }
}

Result<std::vector<std::byte>> Arrival::await_run(int cancel_fd) {
    SEGUE_TRY(stream_.send(MessageType::Loaded, {}, {}, Waiter{Deadline::in(kMessage), cancel_fd}));
    auto m = answer_to(MessageType::Loaded, cancel_fd, [&] {
        doubt_.open();
        log::error("the connection to the old host broke: the guest waits here, loaded, until both "
                   "hosts see each other again, or until it is said where it is to run (segue "
                   "resolve NAME --here|--there)");
    });
    const auto place = doubt_.close();
    if (m && m->type == MessageType::Refused) // whatever an operator believes
        return refusal(*m);
    if (place == Place::There)
        return Error(Code::Cancelled,
                     "the operator said that the guest is on the other host, not here");
    if (place == Place::Here)
        return std::vector<std::byte>();
    if (!m)
        return std::move(m).error();
    if (m->type != MessageType::Run)
        return Error(Code::Corrupt, "the other host says something else than RUN");
    return std::move(m->body);
}

void Arrival::tell_running() {
    (void)stream_.send(MessageType::Running, {}, {}, Waiter{Deadline::in(kMessage)}).ok();
    teller_.go();
}

void Arrival::tell_until_heard() {
    const auto heard = answer_to(MessageType::Running, stop_.get(), [] {
        log::warn("the connection broke: the old host does not know yet that the guest runs here");
    });
    if (heard && heard->type == MessageType::Refused)
        log::error("the guest runs here, and the old host says that it does there: " +
                   refusal(*heard).what());
    stream_.close();
    heard_ = bool(heard);
    if (heard_ && finished_)
        entrance_.close();
}

void Arrival::free_address() {
    sys::signal_event(stop_.get());
    teller_.join();
    entrance_.close();
}

void Arrival::finish() {
    finished_ = true;
    if (heard_)
        entrance_.close();
}

} // namespace segue::update
