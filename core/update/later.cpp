// SPDX-License-Identifier: Apache-2.0
// later.cpp - the successor is a start after this process is gone.
#include "core/update/at_rest.hpp"
#include "core/update/successor_kinds.hpp"

namespace segue::update {

namespace {

class Later final : public Successor {
public:
    explicit Later(Attempt& attempt)
        : a_(attempt) {}

    Status begin() override { return {}; }
    Status ready() override { return {}; }
    Status check_state() override { return read_back(a_); }

    // The state's own word says OFFERED since it was sealed; with the record's the guest may be
    // started, and is not ours any more.
    Status hand_over() override {
        SEGUE_TRY(a_.session.wait().check());
        if (a_.ctx.ownership.offer(a_.ctx.guest.generation, a_.number))
            return {};
        return Error(Code::Internal, "the guest is not ours to offer: the record says " +
                                         to_string(a_.ctx.ownership.word()));
    }

    bool abandon() noexcept override {
        discard(a_);
        return false;
    }

private:
    Attempt& a_;
};

} // namespace

std::unique_ptr<Successor> make_later(Attempt& attempt) {
    return std::make_unique<Later>(attempt);
}

} // namespace segue::update
