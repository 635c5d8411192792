// SPDX-License-Identifier: Apache-2.0
// copy_table.hpp - what segue-bench-copy prints and writes.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/cells.hpp"

namespace segue::bench {

// One way to copy a guest, under one load; a value a repetition. `floor`: what it is compared with,
// of the same load.
struct CopyCell {
    std::string what, load, floor;
    double aim = 0;      // of the floor's rate; 0: none
    double stop_aim = 0; // ms that the longest stop should stay below; 0: none
    std::vector<double> seconds, cpu_s, blackout_ms, longest_ms;
    double peak_mib = 0; // of all processes together, at most; 0: not looked at
    // Of pages that the guest waited for, in an update that has such.
    std::vector<double> fault_median_us = {}, fault_mean_us = {}, fault_p99_us = {};
};

struct CopyTable {
    unsigned ram_mib = 0, write_mib = 0;
    std::vector<CopyCell> cells;
    bool full = false; // no zeros

    std::string text() const;
    std::string json() const;

private:
    // Median of the ratios of the floor's values to these, of one repetition each.
    double ratio(const CopyCell& cell, std::vector<double> CopyCell::*values) const;
    std::string verdict(const CopyCell& cell) const;
};

} // namespace segue::bench
