// SPDX-License-Identifier: Apache-2.0
// from_rest.cpp - the guest comes from a state that was written before this process, or this image
// of it, existed.
#include <fcntl.h>

#include <segue/cpp/sys.hpp>

#include "core/update/origin.hpp"

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

// The word at rest: in the manifest's header, where the transport's file can be written in place.
class WordAtRest {
public:
    // Nobody else may start it from now on; the word must say OFFERED.
    Status lock(int file, Word offer) {
        file_ = file;
        struct flock lock = {};
        lock.l_type = F_WRLCK;
        if (::fcntl(file_, F_OFD_SETLK, &lock) != 0)
            return Error(Code::Exists, "the state is in use: somebody starts it right now")
                .way_out("one start at a time");
        std::uint64_t raw = 0;
        SEGUE_TRY(sys::pread_all(file_, std::as_writable_bytes(std::span(&raw, 1)), kAt));
        if (unpack(raw) == offer)
            return {};
        return Error(Code::Refused,
                     "the state is not on offer: its word says " + to_string(unpack(raw)))
            .way_out("a state is started once; save the guest again from where it runs");
    }
    // Durable before anything runs.
    Status own(Word owned) const {
        if (file_ < 0)
            return {};
        const std::uint64_t raw = pack(owned);
        SEGUE_TRY(sys::pwrite_all(file_, std::as_bytes(std::span(&raw, 1)), kAt));
        if (::fdatasync(file_) != 0)
            return Error::from_errno(errno, "fdatasync the state's word");
        return {};
    }

private:
    static inline const std::uint64_t kAt = Channel::kManifestOffset + state::kWordOffset;
    int file_ = -1; // the channel's
};

class RestOrigin final : public Origin {
public:
    explicit RestOrigin(std::string owner_path)
        : owner_path_(std::move(owner_path)) {}

    Result<std::vector<std::byte>> manifest(Session& session) override {
        SEGUE_ASSIGN(std::vector<std::byte> bytes, session.receive_manifest());
        main_ = session.find_open("main", 0);
        return bytes;
    }

    // In the boot in which it was offered both words must say so; in another the state's alone.
    Result<Ownership> ownership(const state::Header& header) override {
        const Word offer{header.generation, header.attempt, Owner::Offered};
        if (const auto file = main_->wire().backing())
            SEGUE_TRY(word_.lock(*file, offer));
        auto fd = sys::open(owner_path_, O_RDWR);
        auto record = fd ? Ownership::adopt(std::move(*fd)) : Result<Ownership>(fd.error());
        if (record && record->word() != offer)
            return Error(Code::Refused, "the guest is not on offer: the record " + owner_path_ +
                                            " says " + to_string(record->word()))
                .way_out("a state is started once; 'segue list' shows where the guest runs");
        if (record)
            return record;
        return Ownership::create(owner_path_, header.guest, offer);
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
    Channel* main_ = nullptr; // the session's
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
