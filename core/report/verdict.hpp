// SPDX-License-Identifier: Apache-2.0
// verdict.hpp - what a preflight found: whether an update could be done, and how it would go.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <segue/cpp/error.hpp>

#include "core/report/phase.hpp"
#include "core/report/prediction.hpp"

namespace segue::report {

struct RamVerdict {
    std::string id, backend;
    std::uint64_t bytes = 0;
    bool in_place = false; // else it is copied
};

// Plain data.
struct Verdict {
    std::string mode, binary;
    std::string from_version, to_version; // to_version empty: the binary was not asked, or said no
    std::vector<Error> blockers;          // each with its way out; none: it can be done
    std::vector<std::string> warnings;
    std::vector<RamVerdict> ram;
    std::vector<Phase> phases; // to come
    Prediction blackout;
    std::chrono::microseconds budget{0}; // of the blackout, as configured; 0: none
};

// For a person, in lines.
std::string to_text(const Verdict& verdict);

} // namespace segue::report
