// SPDX-License-Identifier: Apache-2.0
// kinds.hpp - the kinds that there are cases for.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <segue/cpp/caps.hpp>

#include "sdk/testkit/case.hpp"

namespace segue::testkit {

struct Kind {
    const char* word;     // "transport"
    const char* table_id; // "segue.transport..."
    std::span<const CapName> caps;
    std::span<const Case> (*cases)();
    // The capabilities that the table itself declares.
    std::uint64_t (*declared)(const void* table);
    // An instance is made, does once all that it is for, and ends.
    Status (*round)(Subject&);
};

std::span<const Kind> kinds();
// NULL where there is none of exactly that table id.
const Kind* kind_of(std::string_view table_id);

// The rounds of Kind, beside the cases of each.
Status transport_round(Subject& s);
Status memory_round(Subject& s);
Status keeper_round(Subject& s);
Status mode_round(Subject& s);

} // namespace segue::testkit
