// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/cells.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>

namespace segue::bench {

namespace {

double at(const std::vector<double>& sorted, double share) {
    const auto rank =
        static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

template <class... Args>
std::string print(const char* format, Args... args) {
    char text[256];
    std::snprintf(text, sizeof text, format, args...);
    return text;
}

} // namespace

Summary summary(std::vector<double> values) {
    if (values.empty())
        return {};
    std::sort(values.begin(), values.end());
    return {values.front(), at(values, 0.5), at(values, 0.9), values.back()};
}

std::string to_json(const std::vector<Cell>& cells, const Phases& phases) {
    std::string out = "{\"cells\":[";
    for (const Cell& c : cells) {
        const Summary s = summary(c.us);
        out += print("%s\n  {\"what\":\"%s\",\"ram_mib\":%u,\"vcpus\":%u,\"n\":%zu,\"min_us\":%.1f,"
                     "\"median_us\":%.1f,\"p90_us\":%.1f,\"max_us\":%.1f}",
                     &c == cells.data() ? "" : ",", c.what.c_str(), c.ram_mib, c.vcpus, c.us.size(),
                     s.min, s.median, s.p90, s.max);
    }
    out += "\n],\"phases\":{";
    bool first = true;
    for (const auto& [name, us] : phases) {
        out += print("%s\n  \"%s\":%.1f", first ? "" : ",", name.c_str(), us);
        first = false;
    }
    return out + "\n}}\n";
}

std::string to_table(const std::vector<Cell>& cells) {
    std::string out = print("%-16s %8s %6s %5s %10s %10s %10s %10s\n", "what", "RAM MiB", "vCPUs",
                            "n", "min us", "median us", "p90 us", "worst us");
    for (const Cell& c : cells) {
        const Summary s = summary(c.us);
        out += print("%-16s %8u %6u %5zu %10.0f %10.0f %10.0f %10.0f\n", c.what.c_str(), c.ram_mib,
                     c.vcpus, c.us.size(), s.min, s.median, s.p90, s.max);
    }
    return out;
}

Status write_json(const std::string& file, const std::string& json) {
    std::ofstream out(file);
    out << json;
    out.close();
    if (!out)
        return Error(Code::Io, "write " + file)
            .way_out("name a file in a folder that can be written");
    return {};
}

} // namespace segue::bench
