// SPDX-License-Identifier: Apache-2.0
// peer.cpp - the successor is another process of this host: started here, or already waiting.
#include "core/update/arbiter.hpp"
#include "core/update/next_process.hpp"
#include "core/update/successor_kinds.hpp"

namespace segue::update {

namespace {

class Peer final : public Successor {
public:
    explicit Peer(Attempt& attempt)
        : a_(attempt)
        , next_(attempt) {}

    Status begin() override {
        SEGUE_TRY(next_.reach());
        return next_.greet();
    }

    Status ready() override {
        SEGUE_TRY(next_.stream().expect(MessageType::Ready, a_.session.wait()));
        return {};
    }

    // The incoming side reads it itself, before it claims.
    Status check_state() override { return {}; }

    Status hand_over() override {
        SEGUE_TRY(offer_word(a_.ctx.ownership, a_.ctx.guest.generation, a_.number, next_.stream(),
                             a_.session.wait()));
        next_.let_go();
        return {};
    }

    bool can_rehearse() const override { return true; }
    Status rehearse(const std::function<void()>& loaded) override {
        SEGUE_TRY(next_.stream().expect(MessageType::Loaded, a_.session.wait()));
        loaded();
        SEGUE_TRY(next_.stream().expect(MessageType::Rehearsed, a_.session.wait()));
        return {};
    }

    bool abandon() noexcept override { return next_.abandon(); }
    void explain(Error& why) override { next_.explain(why); }

private:
    Attempt& a_;
    NextProcess next_;
};

} // namespace

std::unique_ptr<Successor> make_peer(Attempt& attempt) {
    return std::make_unique<Peer>(attempt);
}

} // namespace segue::update
