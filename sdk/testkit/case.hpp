// SPDX-License-Identifier: Apache-2.0
// case.hpp - what one case is, and how it says what it found.
#pragma once

#include <span>
#include <string>

#include <segue/cpp/result.hpp>

#include "sdk/testkit/rules.hpp"

namespace segue::testkit {

class Subject;

// Ok: kept. Else one of the two errors below, or what went wrong in the check itself.
struct Case {
    const char* name;
    const char* proves; // one sentence
    Status (*run)(Subject&);
    bool loaded_only = false; // open() is not called before
};

std::span<const Case> common_cases(); // the first one is "loads": without it nothing else is tried
std::span<const Case> transport_cases();
std::span<const Case> memory_cases();
std::span<const Case> keeper_cases();
std::span<const Case> mode_cases();

// The plugin did `what`, and the ABI says `rule`.
inline Error broke(std::string what, const char* rule) {
    return Error(Code::Refused, std::move(what)).with("rule", rule);
}

// The plugin does not claim what the case is about.
inline Error does_not_apply(std::string why) {
    return Error(Code::Unsupported, std::move(why)).with("applies", "no");
}

} // namespace segue::testkit
