// SPDX-License-Identifier: Apache-2.0
#include "core/control/idempotency.hpp"

#include <algorithm>
#include <cstdio>

#include "core/control/json.hpp"

namespace segue::control {

Status check_key(const std::string& key) {
    constexpr std::size_t max = 128;
    const bool visible =
        std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    if (!key.empty() && key.size() <= max && visible)
        return {};
    return Error(Code::Invalid, "the header Idempotency-Key has " + std::to_string(key.size()) +
                                    " bytes, or others than visible ASCII")
        .way_out("use 1 to " + std::to_string(max) + " characters, a random UUID for instance");
}

// FNV-1a, 64 bits: tells a mistake of the client's from a repetition, it is no protection.
std::string digest_of(const UpdateRequest& request) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : to_json(request)) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3;
    }
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
    return text;
}

Result<report::UpdateRecord> replay(const report::UpdateRecord& known,
                                    const UpdateRequest& request) {
    if (known.request_digest == digest_of(request))
        return known;
    return Error(Code::Invalid, "the Idempotency-Key '" + request.key + "' began update " +
                                    known.id + " with another request")
        .way_out("give every request a key of its own")
        .with("idempotency_key", request.key)
        .with("update", known.id);
}

} // namespace segue::control
