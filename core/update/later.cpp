// SPDX-License-Identifier: Apache-2.0
// later.cpp - the successor is a start after this process is gone: by a holder, which waits for
// that from before the pause on, or by whoever comes and starts what was saved.
#include <optional>

#include "core/inventory/stamp.hpp"
#include "core/update/at_rest.hpp"
#include "core/update/next_process.hpp"
#include "core/update/passing.hpp"
#include "core/update/successor_kinds.hpp"

namespace segue::update {

namespace {

class Later final : public Successor {
public:
    explicit Later(Attempt& attempt)
        : a_(attempt) {
        if (!a_.request.save)
            holder_.emplace(attempt);
    }

    // The holder has everything but what the pause brings: no descriptor of RAM, which it opens
    // itself, as a start after a time without any VMM does.
    Status begin() override {
        if (!holder_)
            return {};
        a_.request.successor.at_rest = true;
        SEGUE_TRY(holder_->start());
        SEGUE_TRY(holder_->greet());
        return send_items(holder_->stream(), a_.ctx.inventory, a_.session.wait());
    }

    Status ready() override {
        if (!holder_)
            return sync_blocks(a_); // so that little is left for the pause
        SEGUE_TRY(holder_->stream().expect(MessageType::Ready, a_.session.wait()));
        return {};
    }

    Status held() override {
        return holder_ ? holder_->stream().send(MessageType::Hold, {}, {}, a_.session.wait())
                       : Status();
    }

    Status check_state() override {
        SEGUE_TRY(stamp_blocks(a_));
        if (!holder_)
            SEGUE_TRY(sync_blocks(a_));
        return read_back(a_);
    }

    // The state's own word says OFFERED since it was sealed; with the record's the guest may be
    // started, and is not ours any more.
    Status hand_over() override {
        SEGUE_TRY(a_.session.wait().check());
        if (!a_.ctx.ownership.offer(a_.ctx.guest.generation, a_.number))
            return Error(Code::Internal, "the guest is not ours to offer: the record says " +
                                             to_string(a_.ctx.ownership.word()));
        if (!holder_)
            return {};
        // It only wakes: our end would do, too. Where the holder has died, the state rests.
        (void)holder_->stream().send(MessageType::Go, {}, {}, a_.session.wait()).ok();
        holder_->let_go();
        return {};
    }

    bool abandon() noexcept override {
        discard(a_);
        return holder_ && holder_->abandon();
    }
    void explain(Error& why) override {
        if (holder_)
            holder_->explain(why);
    }

private:
    Attempt& a_;
    std::optional<NextProcess> holder_; // none where the guest is only saved
};

} // namespace

std::unique_ptr<Successor> make_later(Attempt& attempt) {
    return std::make_unique<Later>(attempt);
}

} // namespace segue::update
