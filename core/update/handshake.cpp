// SPDX-License-Identifier: Apache-2.0
#include "core/update/handshake.hpp"

#include <optional>

#include "core/base/log.hpp"

namespace segue::update {

namespace {

// How long an answer may take on a connection that is up, and the pause between two tries.
constexpr std::chrono::seconds kAnswer{5};
constexpr std::chrono::milliseconds kPause{200};

// What the other side says, at last: OK, it runs the guest; else it never will. Nothing: it did
// not say, for the reason in `why`.
using Said = std::optional<Status>;

Said told(const Stream& stream, const Result<Message>& m, const Waiter& wait, Error& why) {
    if (!m) {
        why = m.error();
        return std::nullopt;
    }
    if (m->type == MessageType::Running) {
        (void)stream.send(MessageType::Running, {}, {}, wait).ok(); // heard
        return Status();
    }
    if (m->type == MessageType::Refused)
        return Status(refusal(*m));
    why = Error(Code::Corrupt, "the other side says something else than what is due");
    return std::nullopt;
}

Said send_run(const Leaving& leaving, const Stream& stream, const Waiter& wait, Error& why) {
    // Where that fails there may still be to read what the other side said when it ended.
    const Status sent = stream.send(MessageType::Run, leaving.run(), {}, wait);
    Said said = told(stream, stream.receive(wait), wait, why);
    if (!said && !sent)
        why = sent.error();
    return said;
}

// Over a new connection the other side says what it is: loaded still, or running already.
Said ask_again(const Leaving& leaving, Error& why) {
    const Waiter wait{Deadline::in(kAnswer), leaving.doubt.fd()};
    const auto stream = leaving.again(wait);
    if (!stream) {
        why = stream.error();
        return std::nullopt;
    }
    const auto first = stream->receive(wait);
    if (first && first->type == MessageType::Loaded)
        return send_run(leaving, *stream, wait, why);
    if (first && first->type == MessageType::Refused) { // of who never heard of the guest
        why = refusal(*first);
        return std::nullopt;
    }
    return told(*stream, first, wait, why);
}

Status answered(const Leaving& leaving, Place place) {
    leaving.resolved(place);
    if (place == Place::There)
        return {};
    return Error(Code::Cancelled, "the connection broke in the switch-over, and the operator said "
                                  "that the guest is to run here");
}

Status settle(const Leaving& leaving, const Error& lost) {
    leaving.doubt.open();
    leaving.in_doubt(lost);
    for (Error why = lost;;) {
        const auto place = leaving.doubt.answer();
        if (place)
            return answered(leaving, *place);
        if (const Said said = ask_again(leaving, why)) {
            (void)leaving.doubt.close(); // what is known is more than what was answered
            return *said;
        }
        log::debug("the other host does not say whether it runs the guest: " + why.what());
        (void)Waiter{Deadline::in(kPause), leaving.doubt.fd()}.until(-1, 0).ok();
    }
}

} // namespace

Status switch_over(const Leaving& leaving, Stream stream, const Waiter& wait) {
    if (auto loaded = stream.expect(MessageType::Loaded, wait); !loaded)
        return std::move(loaded).error();
    SEGUE_TRY(wait.check());
    Error lost(Code::Closed, "");
    Said said = leaving.relinquish();
    if (*said) // which may have taken its time
        said = wait.check();
    // From here on RUN may have come through, whatever we hear.
    if (*said)
        said = send_run(leaving, stream, Waiter{Deadline::in(kAnswer)}, lost);
    stream.close();
    for (;;) {
        if (!said)
            said = settle(leaving, lost);
        if (*said)
            return {};
        Status back = leaving.take_back();
        if (back)
            return *std::move(said);
        said.reset(); // it is not ours, whatever was said: who holds that may run it
        lost = std::move(back).error();
    }
}

} // namespace segue::update
