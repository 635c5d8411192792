// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/copy_table.hpp"

#include <algorithm>
#include <cstdio>

namespace segue::bench {

namespace {

constexpr double kFaultAimUs = 150; // on one host

template <class... Args>
std::string print(const char* format, Args... args) {
    char text[512];
    std::snprintf(text, sizeof text, format, args...);
    return text;
}

double gib_s(unsigned mib, double seconds) {
    return seconds > 0 ? mib / 1024.0 / seconds : 0;
}

} // namespace

double CopyTable::ratio(const CopyCell& cell, std::vector<double> CopyCell::*values) const {
    std::vector<double> all;
    for (const CopyCell& floor : cells)
        if (floor.what == cell.floor && floor.load == cell.load)
            for (std::size_t i = 0; i < std::min((floor.*values).size(), (cell.*values).size());
                 ++i)
                all.push_back((floor.*values)[i] / (cell.*values)[i]);
    return summary(all).median;
}

std::string CopyTable::verdict(const CopyCell& cell) const {
    std::string text;
    if (cell.seconds.empty())
        return text;
    if (cell.aim > 0)
        text += print(
            "%s %.0f %%",
            ratio(cell, &CopyCell::seconds) >= cell.aim ? "at least" : "MISSED:", 100 * cell.aim);
    if (cell.stop_aim > 0)
        text +=
            print(", %s %.0f ms",
                  summary(cell.longest_ms).max < cell.stop_aim ? "stops below" : "MISSED: stops",
                  cell.stop_aim);
    return text;
}

std::string CopyTable::text() const {
    std::string out =
        print("%u MiB, %s; the guest that writes: %u MiB/s\n\n"
              "%-6s  %-18s %3s  total s:         %15s  CPU s:         peak   blackout ms:     "
              "longest stop ms:\n%-6s  %-18s %3s   median   worst   GiB/s  ratio median  ratio    "
              "MiB   median   worst   median   worst  aim\n",
              ram_mib, full ? "all of it random" : "half of it zeros, half random", write_mib, "",
              "", "", "", "guest", "what", "n");
    for (const CopyCell& c : cells) {
        const Summary s = summary(c.seconds), b = summary(c.blackout_ms), l = summary(c.longest_ms);
        out += print("%-6s  %-18s %3zu %8.2f %7.2f %7.2f %6.2f %6.2f %6.2f %6.0f %8.1f %7.1f %8.1f "
                     "%7.1f  %s\n",
                     c.load.c_str(), c.what.c_str(), c.seconds.size(), s.median, s.max,
                     gib_s(ram_mib, s.median), ratio(c, &CopyCell::seconds),
                     summary(c.cpu_s).median, ratio(c, &CopyCell::cpu_s), c.peak_mib, b.median,
                     b.max, l.median, l.max, verdict(c).c_str());
    }
    for (const CopyCell& c : cells) {
        if (c.fault_p99_us.empty())
            continue;
        const double median = summary(c.fault_median_us).median;
        out += print("%s, %s: half of the pages that the guest waited for took less than %.0f us "
                     "(aim: %.0f%s), 1 of 100 more than %.0f us; %.0f us in the mean\n",
                     c.what.c_str(), c.load.c_str(), median, kFaultAimUs,
                     median < kFaultAimUs ? "" : ", MISSED", summary(c.fault_p99_us).median,
                     summary(c.fault_mean_us).median);
    }
    return out;
}

std::string CopyTable::json() const {
    std::string out = print("{\"ram_mib\":%u,\"write_mib_s\":%u,\"cells\":[", ram_mib, write_mib);
    for (const CopyCell& c : cells) {
        const Summary s = summary(c.seconds), b = summary(c.blackout_ms), l = summary(c.longest_ms);
        out += print(
            "%s\n  {\"what\":\"%s\",\"guest\":\"%s\",\"floor\":\"%s\",\"n\":%zu,\"median_s\":%.3f,"
            "\"max_s\":%.3f,\"gib_s\":%.3f,\"of_floor\":%.3f,\"cpu_s\":%.3f,\"floors_cpu\":%.3f,"
            "\"aim\":%.2f,"
            "\"blackout_ms\":%.2f,\"max_blackout_ms\":%.2f,\"longest_stop_ms\":%.2f,"
            "\"max_longest_stop_ms\":%.2f,\"peak_mib\":%.0f",
            &c == cells.data() ? "" : ",", c.what.c_str(), c.load.c_str(), c.floor.c_str(),
            c.seconds.size(), s.median, s.max, gib_s(ram_mib, s.median),
            ratio(c, &CopyCell::seconds), summary(c.cpu_s).median, ratio(c, &CopyCell::cpu_s),
            c.aim, b.median, b.max, l.median, l.max, c.peak_mib);
        if (!c.fault_p99_us.empty())
            out += print(",\"fault_median_us\":%.1f,\"fault_mean_us\":%.1f,\"fault_p99_us\":%.1f",
                         summary(c.fault_median_us).median, summary(c.fault_mean_us).median,
                         summary(c.fault_p99_us).median);
        out += "}";
    }
    return out + "\n]}\n";
}

} // namespace segue::bench
