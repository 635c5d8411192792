// SPDX-License-Identifier: Apache-2.0
// cells.hpp - what every bench prints and writes: a table, and JSON with `cells` and `phases`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <segue/cpp/result.hpp>

namespace segue::bench {

// One measured thing at one size. `what`: floor, idle, or a mode's id.
struct Cell {
    std::string what;
    unsigned ram_mib = 0;
    unsigned vcpus = 0;
    std::vector<double> us; // one value a repetition
};

struct Summary {
    double min = 0, median = 0, p90 = 0, max = 0;
};

// Nearest rank; all 0 where there is no value.
Summary summary(std::vector<double> values);

// Medians by name, such as {"kick_us", 151}.
using Phases = std::map<std::string, double>;

std::string to_json(const std::vector<Cell>& cells, const Phases& phases);
std::string to_table(const std::vector<Cell>& cells);
Status write_json(const std::string& file, const std::string& json);

} // namespace segue::bench
