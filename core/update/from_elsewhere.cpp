// SPDX-License-Identifier: Apache-2.0
// from_elsewhere.cpp - the guest comes from another host, which shares nothing with this one but
// the connections.
#include <cstring>

#include "core/update/arrival.hpp"

namespace segue::update {

namespace {

constexpr std::chrono::seconds kHello{10}, kLastWord{1};

class ElsewhereOrigin final : public Origin {
public:
    ElsewhereOrigin(Arrival& arrival, std::string owner_path, std::function<Status()> take_hold)
        : arrival_(arrival)
        , owner_path_(std::move(owner_path))
        , take_hold_(std::move(take_hold)) {}

    Result<std::vector<std::byte>> manifest(Session& session) override {
        session.entrance = &arrival_.entrance();
        const Waiter wait{Deadline::in(kHello), session.cancel_fd};
        SEGUE_ASSIGN(Message m, stream().expect(MessageType::Hello, wait));
        return std::move(m.body);
    }

    // A record of this host's own, as the other one's would be.
    Result<Ownership> ownership(const state::Header& header) override {
        return Ownership::create(owner_path_, header.guest,
                                 {header.generation, header.attempt, Owner::Offered});
    }

    bool guest_runs() const override { return true; }
    bool is_elsewhere() const override { return true; }

    Status welcome(const Welcome& w, const Waiter& wait) override {
        return stream().send(MessageType::Welcome, encode(w), {}, wait);
    }
    Status ready(const Waiter& wait) override {
        return stream().send(MessageType::Ready, {}, {}, wait);
    }

    Status claim(Ownership& ownership, std::uint32_t generation, std::uint32_t attempt,
                 const Waiter& wait) override {
        const auto run = arrival_.await_run(wait.cancel_fd);
        if (!run)
            return run.error();
        if (run->size() == sizeof stood_still_) // else an operator said so
            std::memcpy(&stood_still_, run->data(), sizeof stood_still_);
        SEGUE_TRY(take_hold_());
        ownership.claim(generation, attempt); // nobody else has this record
        return {};
    }

    void running() noexcept override { arrival_.tell_running(); }
    // Where the other side is gone this fails, and may.
    void refuse(const Error& why) noexcept override {
        (void)stream().refuse(why, Waiter{Deadline::in(kLastWord)}).ok();
    }
    std::chrono::nanoseconds stood_still() const override {
        return std::chrono::nanoseconds(stood_still_);
    }
    report::SwitchOver switched() const override {
        const auto place = arrival_.doubt().answer();
        return place ? resolved_to(*place) : report::SwitchOver::None;
    }

    bool heard() const override { return arrival_.heard() || arrival_.doubt().answer(); }
    void free_address() noexcept override { arrival_.free_address(); }
    void finish() noexcept override { arrival_.finish(); }

private:
    const Stream& stream() const { return arrival_.stream(); }

    Arrival& arrival_;
    std::string owner_path_;
    std::function<Status()> take_hold_;
    std::uint64_t stood_still_ = 0; // ns until RUN was sent, by the other host's clock
};

} // namespace

std::unique_ptr<Origin> from_elsewhere(Arrival& arrival, std::string owner_path,
                                       std::function<Status()> take_hold) {
    return std::make_unique<ElsewhereOrigin>(arrival, std::move(owner_path), std::move(take_hold));
}

} // namespace segue::update
