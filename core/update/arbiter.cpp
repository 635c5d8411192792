// SPDX-License-Identifier: Apache-2.0
#include "core/update/arbiter.hpp"

namespace segue::update {

Status offer_word(Ownership& ownership, std::uint32_t generation, std::uint32_t attempt,
                  const Stream& stream, const Waiter& wait) {
    // A cancel that is there already: the swap back would only follow at once.
    SEGUE_TRY(wait.check());
    if (!ownership.offer(generation, attempt))
        return Error(Code::Internal, "the guest is not ours to offer: the record says " +
                                         to_string(ownership.word()));
    // The offer is the word; the message only wakes. Its loss is the candidate's death, seen below.
    (void)stream.send(MessageType::Go, {}, {}, wait).ok();
    const auto answer = stream.expect(MessageType::Running, wait);
    // Whatever was said, the word decides: a candidate that was killed after its swap has won, and
    // one that only says so has not.
    if (!ownership.take_back(generation, attempt))
        return {};
    if (answer)
        return Error(Code::Corrupt, "the new generation said that it runs the guest, and had not "
                                    "taken it");
    return answer.error();
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

} // namespace segue::update
