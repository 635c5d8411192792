// SPDX-License-Identifier: Apache-2.0
#include "core/update/word_at_rest.hpp"

#include <fcntl.h>

#include <segue/cpp/sys.hpp>

namespace segue::update {

namespace {

const std::uint64_t kAt = Channel::kManifestOffset + state::kWordOffset;

Error not_on_offer(const std::string& who, Word says) {
    return Error(Code::Refused, "the guest is not on offer: " + who + " says " + to_string(says))
        .way_out("a state is started once: 'segue list' shows where the guest runs");
}

} // namespace

Status WordAtRest::lock(Channel& main) {
    const auto file = main.wire().backing();
    if (!file)
        return {};
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    if (::fcntl(*file, F_OFD_SETLK, &lock) != 0)
        return Error(Code::Exists, "the state is in use: somebody starts it right now")
            .way_out("one start at a time");
    file_ = *file;
    return {};
}

Status WordAtRest::check(Word offer, const Ownership* record) const {
    if (record != nullptr && record->word() != offer)
        return not_on_offer("the ownership record", record->word());
    if (file_ < 0)
        return {};
    std::uint64_t raw = 0;
    SEGUE_TRY(sys::pread_all(file_, std::as_writable_bytes(std::span(&raw, 1)), kAt));
    const Word says = unpack(raw);
    const bool never_ran =
        record != nullptr && says == Word{offer.generation + 1, offer.attempt, Owner::Owned};
    if (says == offer || never_ran)
        return {};
    return not_on_offer("the state", says);
}

Status WordAtRest::own(Word owned) const {
    if (file_ < 0)
        return {};
    const std::uint64_t raw = pack(owned);
    SEGUE_TRY(sys::pwrite_all(file_, std::as_bytes(std::span(&raw, 1)), kAt));
    if (::fdatasync(file_) != 0)
        return Error::from_errno(errno, "fdatasync the state's word");
    return {};
}

} // namespace segue::update
