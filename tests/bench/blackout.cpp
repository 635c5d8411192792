// SPDX-License-Identifier: Apache-2.0
// segue-bench-blackout: how long a guest stands still in an update, beside what the same move costs
// with bare calls (floor) and how long the machine holds up a guest that is left alone (idle).
#include <getopt.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>

#include "core/plugin/registry.hpp"
#include "tests/bench/bench_guest.hpp"
#include "tests/bench/cells.hpp"
#include "tests/bench/floor_run.hpp"

namespace {

using namespace segue;
using namespace segue::bench;

struct Options {
    unsigned runs = 20;
    bool quick = false;
    Placement placement = Placement::Free;
    std::string json;
};

struct Size {
    unsigned ram_mib, vcpus;
};

constexpr const char* kUsage =
    "usage: %s [--runs N] [--json FILE] [--quick] [--placement free|apart]\n"
    "  --quick: 5 runs, 256 MiB and 1 vCPU only\n";
constexpr std::chrono::milliseconds kIdle{10}; // as long as what is looked at of an update, or more

bool read_options(int argc, char** argv, Options& o) {
    const option longs[] = {{"runs", required_argument, nullptr, 'n'},
                            {"json", required_argument, nullptr, 'j'},
                            {"quick", no_argument, nullptr, 'q'},
                            {"placement", required_argument, nullptr, 'p'},
                            {nullptr, 0, nullptr, 0}};
    for (int c; (c = ::getopt_long(argc, argv, "", longs, nullptr)) != -1;) {
        if (c == 'n') {
            o.runs = static_cast<unsigned>(std::atoi(optarg));
        } else if (c == 'j') {
            o.json = optarg;
        } else if (c == 'q') {
            o.quick = true;
            o.runs = 5;
        } else if (const auto p = c == 'p' ? placement_of(optarg) : Error(Code::Invalid, ""); p) {
            o.placement = *p;
        } else {
            return false;
        }
    }
    return optind == argc && o.runs > 0;
}

// Those that can leave RAM where it is: for the others ./dev bench copy.
Result<std::vector<std::string>> installed_modes() {
    SEGUE_ASSIGN(const auto dir, plugin::builtin_dir());
    SEGUE_ASSIGN(const auto registry, plugin::Registry::search({dir}));
    std::vector<std::string> ids;
    for (const plugin::Manifest& m : registry.manifests())
        if (m.kind->word == std::string_view("mode") && m.has_cap("ram-in-place"))
            ids.push_back(m.id);
    if (ids.empty())
        return Error(Code::NotFound, "no mode is installed in " + dir.string());
    return ids;
}

// On a thread of its own, which the floor pins. The first move warms the code up.
Result<double> floor_once(const Size& size) {
    Result<double> moved = 0.0;
    std::thread([&] {
        moved = [&]() -> Result<double> {
            SEGUE_ASSIGN(const auto floor, Floor::start(size.ram_mib, size.vcpus));
            SEGUE_TRY(floor->move());
            SEGUE_ASSIGN(const FloorTimes t, floor->move());
            return t.stand_still;
        }();
    }).join();
    return moved;
}

// One size: the same guest over all its updates, everything in turn.
class Run {
public:
    Run(const Options& options, Size size, std::vector<std::string> modes)
        : o_(options)
        , size_(size)
        , modes_(std::move(modes)) {
        for (const char* what : {"floor", "idle"})
            cells.push_back({what, size.ram_mib, size.vcpus, {}});
        for (const std::string& mode : modes_)
            cells.push_back({mode, size.ram_mib, size.vcpus, {}});
    }

    Status measure() {
        SEGUE_ASSIGN(const auto guest,
                     BenchGuest::start({size_.ram_mib, size_.vcpus, modes_, o_.placement}));
        SEGUE_TRY(guest->update(modes_.front())); // warms the code up
        for (unsigned i = 0; i < o_.runs; ++i) {
            SEGUE_TRY(guest->pause());
            SEGUE_ASSIGN(const double floor, floor_once(size_));
            SEGUE_TRY(guest->resume());
            cells[0].us.push_back(floor);
            SEGUE_ASSIGN(const double idle, guest->idle(kIdle));
            cells[1].us.push_back(idle);
            for (std::size_t m = 0; m < modes_.size(); ++m) {
                SEGUE_ASSIGN(const Observed seen, guest->update(modes_[m]));
                cells[2 + m].us.push_back(seen.blackout_us);
                note(seen.record);
            }
        }
        return guest->check();
    }

    // Medians of the engine's own times, by "<mode>/<MiB>/<vCPUs>/<phase>_us".
    void add_phases(Phases& all) const {
        for (const auto& [name, values] : times_)
            all[name] = summary(values).median;
    }

    std::vector<Cell> cells; // floor, idle, then the modes

private:
    void note(const report::UpdateRecord& record) {
        const std::string prefix = record.mode + "/" + std::to_string(size_.ram_mib) + "/" +
                                   std::to_string(size_.vcpus) + "/";
        const auto us = [](std::chrono::nanoseconds t) {
            return static_cast<double>(t.count()) / 1000;
        };
        for (const report::PhaseTime& p : record.phases)
            times_[prefix + name_of(p.phase) + "_us"].push_back(us(p.ended - p.began));
        times_[prefix + "engine_blackout_us"].push_back(us(record.blackout));
    }

    const Options& o_;
    Size size_;
    std::vector<std::string> modes_;
    std::map<std::string, std::vector<double>> times_;
};

Status measure(const Options& o, std::vector<Cell>& cells, Phases& phases) {
    SEGUE_ASSIGN(const auto modes, installed_modes());
    const std::vector<Size> sizes =
        o.quick ? std::vector<Size>{{256, 1}}
                : std::vector<Size>{{256, 1}, {4096, 1}, {256, 4}, {4096, 4}};
    for (const Size& size : sizes) {
        std::fprintf(stderr, "%u MiB, %u vCPUs: %u runs ...\n", size.ram_mib, size.vcpus, o.runs);
        Run run(o, size, modes);
        SEGUE_TRY(run.measure());
        run.add_phases(phases);
        cells.insert(cells.end(), run.cells.begin(), run.cells.end());
    }
    return {};
}

void print(const Options& o, const std::vector<Cell>& cells, const Phases& phases) {
    std::printf("placement %s: %s\n\n%s\nblackout, median, as a multiple of the floor's:\n",
                name_of(o.placement), describe(o.placement), to_table(cells).c_str());
    double floor = 0;
    for (const Cell& c : cells) {
        const double median = summary(c.us).median;
        if (c.what == "floor")
            floor = median;
        else if (floor > 0)
            std::printf("  %-16s %5u MiB %2u vCPUs  %6.2f\n", c.what.c_str(), c.ram_mib, c.vcpus,
                        median / floor);
    }
    std::printf("\nthe engine's own times, medians:\n");
    for (const auto& [name, us] : phases)
        std::printf("  %-44s %10.0f\n", name.c_str(), us);
}

} // namespace

int main(int argc, char** argv) {
    Options o;
    if (!read_options(argc, argv, o)) {
        std::fprintf(stderr, kUsage, argv[0]);
        return 2;
    }
    std::vector<Cell> cells;
    Phases phases;
    Status s = measure(o, cells, phases);
    if (s && !o.json.empty())
        s = write_json(o.json, to_json(cells, phases));
    if (!s) {
        std::fprintf(stderr, "%s\n  way out: %s\n", s.error().what().c_str(),
                     s.error().way_out().c_str());
        return 1;
    }
    print(o, cells, phases);
    return 0;
}
