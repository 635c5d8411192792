// SPDX-License-Identifier: Apache-2.0
// from_rest.cpp - the guest comes from a state that was written before this process, or this image
// of it, existed.
#include <fcntl.h>

#include <segue/cpp/sys.hpp>

#include "core/update/origin.hpp"
#include "core/update/word_at_rest.hpp"

namespace segue::update {

namespace {

class SelfOrigin final : public Origin {
public:
    explicit SelfOrigin(UniqueFd record)
        : record_(std::move(record)) {}

    Result<std::vector<std::byte>> manifest(Session& session) override {
        return session.receive_manifest();
    }
    Result<Ownership> ownership(const state::Header&) override {
        return Ownership::adopt(std::move(record_));
    }
    Status claim(Ownership& ownership, std::uint32_t generation, std::uint32_t attempt,
                 const Waiter&) override {
        if (ownership.claim(generation, attempt))
            return {};
        return Error(Code::Refused,
                     "the guest is not on offer: the record says " + to_string(ownership.word()));
    }

private:
    UniqueFd record_;
};

class RestOrigin final : public Origin {
public:
    explicit RestOrigin(std::string owner_path)
        : owner_path_(std::move(owner_path)) {}

    Result<std::vector<std::byte>> manifest(Session& session) override {
        SEGUE_ASSIGN(std::vector<std::byte> bytes, session.receive_manifest());
        SEGUE_TRY(word_.lock(*session.find_open("main", 0)));
        return bytes;
    }

    // In the boot in which it was offered both words must say so; in another the state's alone.
    Result<Ownership> ownership(const state::Header& header) override {
        const Word offer{header.generation, header.attempt, Owner::Offered};
        auto fd = sys::open(owner_path_, O_RDWR);
        auto record = fd ? Ownership::adopt(std::move(*fd)) : Result<Ownership>(fd.error());
        SEGUE_TRY(word_.check(offer, record ? &*record : nullptr));
        if (!record)
            return Ownership::create(owner_path_, header.guest, offer);
        record->clear_claims(); // those of a start that died
        return record;
    }

    Status claim(Ownership& ownership, std::uint32_t generation, std::uint32_t attempt,
                 const Waiter&) override {
        SEGUE_TRY(word_.own({generation, attempt, Owner::Owned}));
        if (ownership.claim(generation, attempt))
            return {};
        return Error(Code::Refused, "the guest is not on offer any more: the record says " +
                                        to_string(ownership.word()));
    }

private:
    std::string owner_path_;
    WordAtRest word_;
};

} // namespace

std::unique_ptr<Origin> from_self(UniqueFd record) {
    return std::make_unique<SelfOrigin>(std::move(record));
}

std::unique_ptr<Origin> from_rest(std::string owner_path) {
    return std::make_unique<RestOrigin>(std::move(owner_path));
}

} // namespace segue::update
