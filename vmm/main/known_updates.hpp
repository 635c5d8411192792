// SPDX-License-Identifier: Apache-2.0
// known_updates.hpp - every update of this guest that anybody knows of: the engine's records, and
// those of earlier generations in the journal.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/places.hpp"
#include "core/report/record.hpp"
#include "core/update/engine.hpp"

namespace segue::vmm {

// Reads the journal at each call that needs it: it is the only store. [any]
class KnownUpdates {
public:
    KnownUpdates(const update::Engine& engine, GuestPlaces places, const state::Uuid& guest);

    std::vector<report::UpdateRecord> newest(std::size_t limit) const;
    Result<report::UpdateRecord> find(const std::string& id) const;
    // Begun by a request with that Idempotency-Key; nothing for "".
    std::optional<report::UpdateRecord> by_key(const std::string& key) const;

private:
    // Newest first, without those that the engine has.
    std::vector<report::UpdateRecord> earlier(std::size_t max_bytes) const;

    const update::Engine& engine_;
    GuestPlaces places_;
    std::string guest_; // uuid: the journal is of a name, which may have had other guests
};

} // namespace segue::vmm
