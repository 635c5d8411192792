// SPDX-License-Identifier: Apache-2.0
// idempotency.hpp - a request that is sent again: the same update, not one more
// (draft-ietf-httpapi-idempotency-key-header).
#pragma once

#include <string>

#include <segue/cpp/result.hpp>

#include "core/control/service.hpp"

namespace segue::control {

// INVALID unless it has 1 to 128 visible characters of ASCII.
Status check_key(const std::string& key);

// The same text for equal requests, in every build and on every host; the key is no part of it.
std::string digest_of(const UpdateRequest& request);

// The update that was begun by that key. INVALID, with the detail "idempotency_key", where
// `request` is another one than began it.
Result<report::UpdateRecord> replay(const report::UpdateRecord& known,
                                    const UpdateRequest& request);

} // namespace segue::control
