// SPDX-License-Identifier: Apache-2.0
// successor.hpp - how the new generation comes to be: another process, this one after execve, or a
// start after we are gone. The outgoing side's view; one implementation a kind.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

#include "core/update/attempt.hpp"

namespace segue::update {

// The steps in which the kinds differ, in this order. [update]
class Successor {
public:
    virtual ~Successor() = default;
    Successor(const Successor&) = delete;
    Successor& operator=(const Successor&) = delete;

    // Preflight: what an operator should know of this kind.
    virtual std::vector<std::string> warnings() const { return {}; }
    // Prepare, before the mode's hook: it exists, it understood, its channels listen.
    virtual Status begin() = 0;
    // Prepare, after the mode's hook: it is complete.
    virtual Status ready() = 0;
    // Copy, at its end: the control socket accepts nobody here any more.
    virtual Status held() { return {}; }
    // Handover, after the mode's hook: what can be checked before the offer is.
    virtual Status check_state() = 0;
    // A rehearsal, instead of hand_over(): calls `loaded` once the state is in over there, and
    // returns once it was compared. UNSUPPORTED where nothing can be there beside us.
    virtual Status rehearse(const std::function<void()>& /*loaded*/) {
        return Error(Code::Unsupported, "this successor cannot be rehearsed");
    }
    virtual bool can_rehearse() const { return false; }
    // Offers the guest and waits for the answer. OK: committed. Any error: the guest is ours again,
    // nobody else can run it any more.
    virtual Status hand_over() = 0;
    // After an error, the guest ours: ends what was started. True where it had claimed things
    // outside, and is gone for certain now.
    virtual bool abandon() noexcept = 0;
    // After that, the guest running again: names the other side, and puts what is known of its end
    // into an error that only says that it went.
    virtual void explain(Error& /*why*/) {}

protected:
    Successor() = default;
};

// For the plan's successor; UNSUPPORTED for one that this build does not know.
Result<std::unique_ptr<Successor>> make_successor(Attempt& attempt);

} // namespace segue::update
