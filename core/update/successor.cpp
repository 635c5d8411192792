// SPDX-License-Identifier: Apache-2.0
#include "core/update/successor.hpp"

#include "core/update/successor_kinds.hpp"

namespace segue::update {

Result<std::unique_ptr<Successor>> make_successor(Attempt& attempt) {
    if (attempt.request.save && attempt.plan.successor != SEGUE_SUCCESSOR_LATER)
        return Error(Code::Refused, "mode/" + attempt.request.mode + " leaves no state at rest")
            .way_out("save with a mode that does, and that update.allow names: segue plugins "
                     "shows 'successor-later'")
            .with("plugin", "mode/" + attempt.request.mode);
    switch (attempt.plan.successor) {
    case SEGUE_SUCCESSOR_PEER:
        return attempt.request.elsewhere() ? make_elsewhere(attempt) : make_peer(attempt);
    case SEGUE_SUCCESSOR_SELF:
        return make_self(attempt);
    case SEGUE_SUCCESSOR_LATER:
        return make_later(attempt);
    default:
        return Error(Code::Unsupported, "mode/" + attempt.request.mode +
                                            " plans a successor of kind " +
                                            std::to_string(attempt.plan.successor) +
                                            ", which this version does not know")
            .way_out("use a mode of this version: segue plugins")
            .with("plugin", "mode/" + attempt.request.mode);
    }
}

} // namespace segue::update
