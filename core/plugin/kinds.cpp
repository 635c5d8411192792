// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/kinds.hpp"

#include <segue/abi/dirty.h>
#include <segue/abi/process.h>
#include <segue/abi/ram.h>
#include <segue/abi/ram_convert.h>
#include <segue/abi/threads.h>
#include <segue/abi/throttle.h>
#include <segue/abi/update.h>
#include <segue/abi/userfault.h>

namespace segue::plugin {

namespace {

constexpr const char* for_modes[] = {SEGUE_UPDATE_ID,      SEGUE_RAM_ID,     SEGUE_DIRTY_ID,
                                     SEGUE_RAM_CONVERT_ID, SEGUE_THREADS_ID, SEGUE_THROTTLE_ID,
                                     SEGUE_USERFAULT_ID};

constexpr const char* for_keepers[] = {SEGUE_PROCESS_ID};

constexpr Kind known[] = {
    {"transport", SEGUE_TRANSPORT_ID, transport_caps, {}},
    {"memory", SEGUE_MEMORY_ID, memory_caps, {}},
    {"mode", SEGUE_MODE_ID, mode_caps, for_modes},
    {"keeper", SEGUE_KEEPER_ID, keeper_caps, for_keepers},
};

} // namespace

std::span<const Kind> kinds() {
    return known;
}

const Kind* kind_by_word(std::string_view word) {
    for (const Kind& k : known)
        if (word == k.word)
            return &k;
    return nullptr;
}

const Kind* kind_by_table(std::string_view table_id) {
    for (const Kind& k : known)
        if (table_id == k.table_id)
            return &k;
    return nullptr;
}

std::vector<std::string> cap_names(const Kind& kind, std::uint64_t bits) {
    std::vector<std::string> names;
    for (const CapName& c : kind.caps)
        if ((bits & c.bit) != 0)
            names.emplace_back(c.name);
    return names;
}

} // namespace segue::plugin
