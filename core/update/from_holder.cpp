// SPDX-License-Identifier: Apache-2.0
// from_holder.cpp - the guest comes from a state at rest, and this process was there before: it
// builds the machine while the owner still runs the guest, and waits for the owner's end.
#include <segue/cpp/socket.hpp>

#include "core/update/origin.hpp"
#include "core/update/passing.hpp"
#include "core/update/word_at_rest.hpp"

namespace segue::update {

namespace {

constexpr std::chrono::seconds kHello{10}, kLastWord{1};

class HolderOrigin final : public Origin {
public:
    explicit HolderOrigin(Stream stream)
        : stream_(std::move(stream)) {}

    // What the owner says it will leave; whether it did is seen when it has gone.
    Result<std::vector<std::byte>> manifest(Session& session) override {
        SEGUE_TRY(sys::check_peer(stream_.fd()));
        SEGUE_ASSIGN(const pid_t pid, sys::peer_pid(stream_.fd()));
        SEGUE_ASSIGN(owner_, sys::pidfd(pid));
        SEGUE_ASSIGN(Message m, stream_.expect(MessageType::Hello, Waiter{Deadline::in(kHello)}));
        if (m.fds.size() != 1)
            return Error(Code::Corrupt, "HELLO to a holder brought no ownership record");
        record_ = std::move(m.fds[0]);
        session_ = &session;
        announced_ = m.body;
        return std::move(m.body);
    }

    Result<Ownership> ownership(const state::Header& header) override {
        offer_ = {header.generation, header.attempt, Owner::Offered};
        return Ownership::adopt(std::move(record_));
    }

    int peer_pidfd() const override { return owner_.get(); }

    Status welcome(const Welcome& w, const Waiter& wait) override {
        SEGUE_TRY(stream_.send(MessageType::Welcome, encode(w), {}, wait));
        return receive_items(stream_, session_->inventory, wait);
    }
    Status ready(const Waiter& wait) override {
        return stream_.send(MessageType::Ready, {}, {}, wait);
    }

    Status arrive(Ownership& ownership, const std::function<void()>& on_hold) override {
        auto held = stream_.expect(MessageType::Hold, session_->wait());
        if (!held)
            return std::move(held).error();
        on_hold();
        // GO, a hang-up and the owner's end all mean: look at the word.
        const auto go = stream_.expect(MessageType::Go, session_->wait());
        if (ownership.word() != offer_)
            return go ? Error(Code::Refused,
                              "GO came, but the record says " + to_string(ownership.word()))
                      : go.error();
        const Waiter gone{Deadline::never(), session_->cancel_fd};
        SEGUE_TRY(gone.until(owner_.get(), POLLIN));
        owner_.reset();
        session_->peer_pidfd = -1;
        SEGUE_ASSIGN(const std::vector<std::byte> left, session_->receive_manifest());
        SEGUE_TRY(word_.lock(*session_->find_open("main", 0)));
        SEGUE_TRY(word_.check(offer_, &ownership));
        if (left != announced_)
            return Error(Code::Corrupt, "the state on channel main is not the one that the owner "
                                        "announced")
                .with("channel", "main");
        return {};
    }

    Status claim(Ownership& ownership, std::uint32_t generation, std::uint32_t attempt,
                 const Waiter&) override {
        SEGUE_TRY(word_.own({generation, attempt, Owner::Owned}));
        if (ownership.claim(generation, attempt))
            return {};
        return Error(Code::Refused, "the guest is not on offer any more: the record says " +
                                        to_string(ownership.word()));
    }

    // Where the other side is gone this fails, and may.
    void refuse(const Error& why) noexcept override {
        (void)stream_.refuse(why, Waiter{Deadline::in(kLastWord)}).ok();
    }

private:
    Stream stream_;
    UniqueFd owner_, record_;
    Session* session_ = nullptr; // from manifest() on
    std::vector<std::byte> announced_;
    Word offer_;
    WordAtRest word_;
};

} // namespace

std::unique_ptr<Origin> from_holder(Stream stream) {
    return std::make_unique<HolderOrigin>(std::move(stream));
}

} // namespace segue::update
