// SPDX-License-Identifier: Apache-2.0
#include "core/update/arbiter.hpp"

namespace segue::update {

namespace {

class WordArbiter final : public Arbiter {
public:
    WordArbiter(Ownership& ownership, std::uint32_t generation, std::uint32_t attempt)
        : ownership_(ownership)
        , generation_(generation)
        , attempt_(attempt) {}

    Status switch_over(const Stream& stream, const Waiter& wait) override {
        // A cancel that is there already: the swap back would only follow at once.
        SEGUE_TRY(wait.check());
        if (!ownership_.offer(generation_, attempt_))
            return Error(Code::Internal, "the guest is not ours to offer: the record says " +
                                             to_string(ownership_.word()));
        // The offer is the word; the message only wakes. Its loss is the candidate's death, seen
        // below.
        (void)stream.send(MessageType::Go, {}, {}, wait).ok();
        const auto answer = stream.expect(MessageType::Running, wait);
        // Whatever was said, the word decides: a candidate that was killed after its swap has won,
        // and one that only says so has not.
        if (!ownership_.take_back(generation_, attempt_))
            return {};
        if (answer)
            return Error(Code::Corrupt, "the new generation said that it runs the guest, and had "
                                        "not taken it");
        return answer.error();
    }

private:
    Ownership& ownership_;
    std::uint32_t generation_, attempt_;
};

class HandshakeArbiter final : public Arbiter {
public:
    HandshakeArbiter(Ownership& ownership, std::uint32_t generation,
                     std::function<Status()> relinquish)
        : ownership_(ownership)
        , generation_(generation)
        , relinquish_(std::move(relinquish)) {}

    Status switch_over(const Stream& stream, const Waiter& wait) override {
        auto loaded = stream.expect(MessageType::Loaded, wait);
        if (!loaded)
            return std::move(loaded).error();
        SEGUE_TRY(wait.check());
        SEGUE_TRY(relinquish_());
        // Relinquished: from here on a broken stream leaves us in doubt, because RUN may have come
        // through. Neither side may be chosen twice.
        Status sent = stream.send(MessageType::Run, {}, {}, wait);
        const auto answer = sent ? stream.expect(MessageType::Running, wait)
                                 : Result<Message>(std::move(sent).error());
        if (answer) {
            ownership_.end(generation_);
            return {};
        }
        return Error(Code::Paused, "the connection broke after the guest was relinquished: " +
                                       answer.error().what())
            .way_out("look at both sides, then say where the guest is to run");
    }

private:
    Ownership& ownership_;
    std::uint32_t generation_;
    std::function<Status()> relinquish_;
};

} // namespace

std::unique_ptr<Arbiter> make_word_arbiter(Ownership& ownership, std::uint32_t generation,
                                           std::uint32_t attempt) {
    return std::make_unique<WordArbiter>(ownership, generation, attempt);
}

std::unique_ptr<Arbiter> make_handshake_arbiter(Ownership& ownership, std::uint32_t generation,
                                                std::function<Status()> relinquish) {
    return std::make_unique<HandshakeArbiter>(ownership, generation, std::move(relinquish));
}

Status await_word(Ownership& ownership, std::uint32_t generation, std::uint32_t attempt,
                  const Stream& stream, const Waiter& wait) {
    const Word offer{generation - 1, attempt, Owner::Offered};
    if (ownership.word() != offer) {
        // GO, a hang-up and the owner's death all mean: look at the word.
        const auto go = stream.expect(MessageType::Go, wait);
        if (ownership.word() != offer)
            return go ? Error(Code::Refused,
                              "GO came, but the record says " + to_string(ownership.word()))
                      : go.error();
    }
    if (ownership.claim(generation, attempt))
        return {};
    return Error(Code::Refused,
                 "the owner took the guest back: the record says " + to_string(ownership.word()));
}

Status await_run(const Stream& stream, const Waiter& wait) {
    SEGUE_TRY(stream.send(MessageType::Loaded, {}, {}, wait));
    auto run = stream.expect(MessageType::Run, wait);
    if (!run)
        return std::move(run).error();
    return {};
}

} // namespace segue::update
