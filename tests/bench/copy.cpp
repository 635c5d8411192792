// SPDX-License-Identifier: Apache-2.0
// segue-bench-copy: what it costs to give a guest other RAM, by each mode that does, beside memcpy
// of as many bytes between two processes, in turns.
#include <getopt.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/bench/copy_floor.hpp"
#include "tests/bench/copy_guest.hpp"
#include "tests/bench/copy_table.hpp"
#include "tests/bench/memory_peak.hpp"

namespace {

using namespace segue;
using namespace segue::bench;

struct Floor {
    const char* what;
    Fills fills;
};
constexpr Floor kFloors[] = {{"memcpy to private", Fills::Private},
                             {"memcpy to memfd", Fills::Memfd}};

// One line for each way to copy. The aims: of the rate of a memcpy into memory of the kind that it
// fills, and ms.
struct Way {
    const char *what, *mode, *options;
    Fills fills;
    double aim, stop_aim;
};
constexpr Way kWays[] = {
    {"page-flip", "page-flip", "", Fills::Memfd, 0.8, 20},
    {"precopy 1 channel", "precopy", "channels = 1", Fills::Private, 0.6, 0},
    {"precopy 2 channels", "precopy", "channels = 2", Fills::Private, 0.6, 0},
    {"precopy 4 channels", "precopy", "channels = 4", Fills::Private, 0.6, 0},
    {"postcopy", "postcopy", "max_rounds = 0, downtime_limit = '1us'", Fills::Private, 0, 0},
};
constexpr const char* kLoads[] = {"idle", "writes"};

struct Options {
    unsigned runs = 5, ram_mib = 4096, write_mib = 64;
    bool full = false;
    std::string json, only;
};

constexpr const char* kUsage =
    "usage: %s [--runs N] [--ram-mib N] [--write-mib N] [--only WORD] [--full] [--json FILE] "
    "[--quick]\n"
    "  --runs 0: the memory alone; --write-mib: a second, by the guest that writes; --only: ways\n"
    "  with that in their names; --full: guests without zeros; --quick: 2 runs of 256 MiB\n";

bool read_options(int argc, char** argv, Options& o) {
    const option longs[] = {{"runs", required_argument, nullptr, 'n'},
                            {"ram-mib", required_argument, nullptr, 'm'},
                            {"write-mib", required_argument, nullptr, 'w'},
                            {"only", required_argument, nullptr, 'o'},
                            {"full", no_argument, nullptr, 'f'},
                            {"json", required_argument, nullptr, 'j'},
                            {"quick", no_argument, nullptr, 'q'},
                            {nullptr, 0, nullptr, 0}};
    for (int c; (c = ::getopt_long(argc, argv, "", longs, nullptr)) != -1;) {
        const auto number = static_cast<unsigned>(optarg == nullptr ? 0 : std::atoi(optarg));
        if (c == 'n')
            o.runs = number;
        else if (c == 'm')
            o.ram_mib = number;
        else if (c == 'w')
            o.write_mib = number;
        else if (c == 'o')
            o.only = optarg;
        else if (c == 'f')
            o.full = true;
        else if (c == 'j')
            o.json = optarg;
        else if (c == 'q')
            o.runs = 2, o.ram_mib = 256;
        else
            return false;
    }
    return optind == argc && o.ram_mib >= 16 && o.write_mib > 0;
}

CopySpec spec_of(const Way& way, const std::string& load, const Options& o) {
    return {way.mode, way.options, o.ram_mib, load == "idle" ? 0 : o.write_mib, o.full};
}

Status measure_times(const Way& way, const Options& o, CopyCell& cell) {
    SEGUE_ASSIGN(const auto guest, CopyGuest::start(spec_of(way, cell.load, o)));
    SEGUE_ASSIGN(const Copied seen, guest->update());
    cell.seconds.push_back(seen.seconds);
    cell.cpu_s.push_back(seen.cpu_s);
    cell.blackout_ms.push_back(seen.blackout_ms);
    cell.longest_ms.push_back(seen.longest_ms);
    if (seen.faults) {
        using Us = std::chrono::duration<double, std::micro>;
        cell.fault_median_us.push_back(Us(seen.faults->p50).count());
        cell.fault_mean_us.push_back(Us(seen.faults->mean).count());
        cell.fault_p99_us.push_back(Us(seen.faults->p99).count());
    }
    return {};
}

// A process and its children, those too that outlive it.
MemoryPeak::Who family(pid_t pid) {
    return [pid, all = std::vector<pid_t>{pid}]() mutable {
        for (const pid_t child : family_of(pid))
            if (std::find(all.begin(), all.end(), child) == all.end())
                all.insert(all.begin(), child);
        return all;
    };
}

// In an update of its own: to look costs time.
Status measure_memory(const Way& way, const Options& o, CopyCell& cell) {
    SEGUE_ASSIGN(const auto guest, CopyGuest::start(spec_of(way, cell.load, o)));
    const MemoryPeak peak(family(guest->owner()));
    SEGUE_TRY(guest->update());
    cell.peak_mib = peak.mib();
    return {};
}

const char* floor_of(Fills fills) {
    return kFloors[fills == Fills::Memfd ? 1 : 0].what;
}

std::vector<CopyCell> cells_of(const Options& o) {
    std::vector<CopyCell> cells;
    for (const char* load : kLoads) {
        for (const Floor& floor : kFloors)
            cells.push_back({floor.what, load, floor.what, 0, 0, {}, {}, {}, {}, 0});
        for (const Way& way : kWays)
            if ((way.what + (", " + std::string(load))).find(o.only) != std::string::npos)
                cells.push_back({way.what,
                                 load,
                                 floor_of(way.fills),
                                 way.aim,
                                 way.stop_aim,
                                 {},
                                 {},
                                 {},
                                 {},
                                 0});
    }
    return cells;
}

// Memory in the first round, times in the others.
Status measure(const Options& o, unsigned round, CopyCell& cell) {
    for (const Way& way : kWays)
        if (cell.what == way.what)
            return (round == 0 ? measure_memory : measure_times)(way, o, cell);
    for (const Floor& floor : kFloors)
        if (cell.what == floor.what && round != 0) {
            SEGUE_ASSIGN(const FloorTimes times, copy_floor(o.ram_mib, floor.fills));
            cell.seconds.push_back(times.seconds);
            cell.cpu_s.push_back(times.cpu_s);
        }
    return {};
}

Status measure_all(const Options& o, std::vector<CopyCell>& cells) {
    for (unsigned round = 0; round <= o.runs; ++round)
        for (CopyCell& cell : cells) {
            std::fprintf(stderr, "%u/%u %s, %s ...\n", round, o.runs, cell.what.c_str(),
                         cell.load.c_str());
            SEGUE_TRY(measure(o, round, cell));
        }
    return {};
}

} // namespace

int main(int argc, char** argv) {
    Options o;
    if (!read_options(argc, argv, o)) {
        std::fprintf(stderr, kUsage, argv[0]);
        return 2;
    }
    CopyTable table{o.ram_mib, o.write_mib, cells_of(o), o.full};
    Status s = measure_all(o, table.cells);
    if (s && !o.json.empty())
        s = write_json(o.json, table.json());
    if (!s) {
        std::fprintf(stderr, "%s\n  way out: %s\n", s.error().what().c_str(),
                     s.error().way_out().c_str());
        return 1;
    }
    std::fputs(table.text().c_str(), stdout);
    return 0;
}
