// SPDX-License-Identifier: Apache-2.0
// segue-bench-floor: how long a guest stands still if nothing but its KVM state is moved.
#include <getopt.h>

#include <cstdio>
#include <cstdlib>

#include "tests/bench/cells.hpp"
#include "tests/bench/floor_run.hpp"

namespace {

using namespace segue;
using namespace segue::bench;

struct Options {
    unsigned runs = 20, ram_mib = 256, vcpus = 1;
    std::string json;
};

bool read_options(int argc, char** argv, Options& o) {
    const option longs[] = {{"runs", required_argument, nullptr, 'n'},
                            {"json", required_argument, nullptr, 'j'},
                            {"ram-mib", required_argument, nullptr, 'm'},
                            {"vcpus", required_argument, nullptr, 'c'},
                            {nullptr, 0, nullptr, 0}};
    for (int c; (c = ::getopt_long(argc, argv, "", longs, nullptr)) != -1;) {
        const auto number = static_cast<unsigned>(optarg == nullptr ? 0 : std::atoi(optarg));
        switch (c) {
        case 'n':
            o.runs = number;
            break;
        case 'j':
            o.json = optarg;
            break;
        case 'm':
            o.ram_mib = number;
            break;
        case 'c':
            o.vcpus = number;
            break;
        default:
            return false;
        }
    }
    return optind == argc && o.runs > 0 && o.ram_mib >= 2 && o.vcpus >= 1 && o.vcpus <= 64;
}

Status measure(const Options& o, Cell& cell, Phases& phases) {
    SEGUE_ASSIGN(const auto floor, Floor::start(o.ram_mib, o.vcpus));
    std::vector<double> kick, read, write, first, whole;
    for (unsigned i = 0; i <= o.runs; ++i) {
        SEGUE_ASSIGN(const FloorTimes t, floor->move());
        if (i == 0)
            continue; // the first one warms the code up
        cell.us.push_back(t.stand_still);
        kick.push_back(t.kick);
        read.push_back(t.read);
        write.push_back(t.write);
        first.push_back(t.first_tick);
        whole.push_back(t.whole());
    }
    phases = {{"kick_us", summary(kick).median},
              {"read_us", summary(read).median},
              {"write_us", summary(write).median},
              {"first_tick_us", summary(first).median},
              {"whole_us", summary(whole).median}};
    return {};
}

} // namespace

int main(int argc, char** argv) {
    Options o;
    if (!read_options(argc, argv, o)) {
        std::fprintf(stderr, "usage: %s [--runs N] [--ram-mib N] [--vcpus 1..64] [--json FILE]\n",
                     argv[0]);
        return 2;
    }
    Cell cell{"floor", o.ram_mib, o.vcpus, {}};
    Phases phases;
    Status s = measure(o, cell, phases);
    if (s && !o.json.empty())
        s = write_json(o.json, to_json({cell}, phases));
    if (!s) {
        std::fprintf(stderr, "%s\n  way out: %s\n", s.error().what().c_str(),
                     s.error().way_out().c_str());
        return 1;
    }
    std::fputs(to_table({cell}).c_str(), stdout);
    for (const auto& [name, us] : phases)
        std::printf("  %-14s median %8.0f\n", name.c_str(), us);
    return 0;
}
