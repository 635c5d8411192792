// SPDX-License-Identifier: Apache-2.0
#include <segue/cpp/socket.hpp>

#include "core/update/arbiter.hpp"
#include "core/update/origin.hpp"

namespace segue::update {

namespace {

constexpr std::chrono::seconds kHello{10}, kLastWord{1};

class PeerOrigin final : public Origin {
public:
    explicit PeerOrigin(Stream stream)
        : stream_(std::move(stream)) {}

    Result<std::vector<std::byte>> manifest(Session&) override {
        SEGUE_TRY(sys::check_peer(stream_.fd()));
        SEGUE_ASSIGN(const pid_t pid, sys::peer_pid(stream_.fd()));
        SEGUE_ASSIGN(peer_, sys::pidfd(pid));
        SEGUE_ASSIGN(Message m, stream_.expect(MessageType::Hello, Waiter{Deadline::in(kHello)}));
        if (m.fds.size() > 1)
            return Error(Code::Corrupt, "HELLO brought more than the ownership record");
        if (!m.fds.empty())
            record_ = std::move(m.fds[0]);
        return std::move(m.body);
    }

    Result<Ownership> ownership(const state::Header&) override {
        if (!record_)
            return Error(Code::Corrupt, "HELLO brought no ownership record");
        return Ownership::adopt(std::move(record_));
    }

    int peer_pidfd() const override { return peer_.get(); }

    Status welcome(const Welcome& w, const Waiter& wait) override {
        return stream_.send(MessageType::Welcome, encode(w), {}, wait);
    }
    Status ready(const Waiter& wait) override {
        return stream_.send(MessageType::Ready, {}, {}, wait);
    }

    Status tell(MessageType what, const Waiter& wait) override {
        SEGUE_TRY(stream_.send(what, {}, {}, wait));
        if (what == MessageType::Rehearsed) // our end before it has heard would be a failure to it
            (void)stream_.receive(wait).ok();
        return {};
    }

    Status claim(Ownership& ownership, std::uint32_t generation, std::uint32_t attempt,
                 const Waiter& wait) override {
        return await_word(ownership, generation, attempt, stream_, wait);
    }

    // Where the other side is gone these fail, and may.
    void running() noexcept override {
        (void)stream_.send(MessageType::Running, {}, {}, Waiter{Deadline::in(kLastWord)}).ok();
    }
    void refuse(const Error& why) noexcept override {
        (void)stream_.refuse(why, Waiter{Deadline::in(kLastWord)}).ok();
    }

private:
    Stream stream_;
    UniqueFd peer_, record_;
};

} // namespace

std::unique_ptr<Origin> from_peer(Stream stream) {
    return std::make_unique<PeerOrigin>(std::move(stream));
}

} // namespace segue::update
