// SPDX-License-Identifier: Apache-2.0
// word_at_rest.hpp - the ownership word in a state that rests: in the manifest's header, where the
// transport's file can be written in place.
#pragma once

#include <cstdint>
#include <optional>

#include <segue/cpp/result.hpp>

#include "core/update/ownership.hpp"
#include "core/update/session.hpp"

namespace segue::update {

// Of channel "main", whose descriptor it borrows. What has no file (a command) has no word, and all
// of this does nothing. [main]
class WordAtRest {
public:
    // Nobody else may start the state from now on. EXISTS: somebody does.
    Status lock(Channel& main);
    // REFUSED unless the state is on offer. In the boot in which it was offered the `record` is
    // there and must say so, too; there a start that died before it had the record may have left
    // the file's word OWNED, and its guest never ran.
    Status check(Word offer, const Ownership* record) const;
    // Durable before anything runs.
    Status own(Word owned) const;

private:
    int file_ = -1; // the channel's
};

} // namespace segue::update
