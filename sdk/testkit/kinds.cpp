// SPDX-License-Identifier: Apache-2.0
#include "sdk/testkit/kinds.hpp"

namespace segue::testkit {

namespace {

template <class Table>
const Table& as(const void* table) {
    return *static_cast<const Table*>(table);
}

constexpr Kind known[] = {
    {"transport", SEGUE_TRANSPORT_ID, transport_caps, transport_cases,
     [](const void* t) { return as<segue_transport>(t).caps; }, transport_round},
    {"memory", SEGUE_MEMORY_ID, memory_caps, memory_cases,
     [](const void* t) { return as<segue_memory>(t).caps; }, memory_round},
    {"keeper", SEGUE_KEEPER_ID, keeper_caps, keeper_cases,
     [](const void* t) { return as<segue_keeper>(t).survives; }, keeper_round},
    {"mode", SEGUE_MODE_ID, mode_caps, mode_cases,
     [](const void* t) {
         const auto& m = as<segue_mode>(t);
         return mode_cap_bits(m.successors, m.arbiters, m.ram);
     },
     mode_round},
};

} // namespace

std::span<const Kind> kinds() {
    return known;
}

const Kind* kind_of(std::string_view table_id) {
    for (const Kind& k : known)
        if (table_id == k.table_id)
            return &k;
    return nullptr;
}

} // namespace segue::testkit
