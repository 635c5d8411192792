// SPDX-License-Identifier: Apache-2.0
// main.cpp - segue-observer: how long did a guest stand still, seen from another process?
#include <getopt.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <string_view>

#include <segue/cpp/sys.hpp>

#include "core/base/units.hpp"
#include "core/observer/observer.hpp"
#include "core/observer/print.hpp"

namespace segue::observer {
namespace {

constexpr const char* usage =
    R"(usage: segue-observer --ram PATH [options]

Watches the counters of a guest such as the metronome in the file that is its RAM,
and prints the longest time in which they stood still.

  --ram PATH            a file, or /proc/PID/fd/N of a memfd; again for the RAM that
                        the guest is copied to
  --offset N            where guest-physical address 0 is in it (512M, 4096; default 0)
  --seconds N           how long (default 10)
  --until-eof-of-stdin  until stdin ends; each line on it prints what was seen since
                        the one before
  --cpu N               poll on this CPU only
  --every US            sleep that many microseconds between polls (default 0: take a whole
                        CPU, which is right only where the guest has others)
  --json                one line of JSON a measurement
  --help                this text

Exit status: 0 measured, 1 could not, 2 wrong usage.
)";

struct Options {
    std::vector<Ram> rams;
    std::chrono::milliseconds time{10'000};
    bool until_eof = false;
    int cpu = -1;
    long every_us = 0;
    bool json = false;
};

enum class Parsed { Go, Help, Wrong };

template <class T>
bool parse_number(std::string_view text, T& value) {
    const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
    return r.ec == std::errc{} && r.ptr == text.data() + text.size() && value >= 0;
}

bool parse_one(int option, const char* value, Options& o, std::uint64_t& offset) {
    double seconds = 0;
    switch (option) {
    case 'r':
        o.rams.push_back({value, 0});
        return true;
    case 'o': {
        const auto bytes = parse_size(value);
        if (bytes.ok())
            offset = *bytes;
        return bytes.ok();
    }
    case 's':
        if (!parse_number(value, seconds) || seconds > 1e9)
            return false;
        o.time = std::chrono::milliseconds(static_cast<long long>(seconds * 1000));
        return true;
    case 'e':
        o.until_eof = true;
        return true;
    case 'c':
        return parse_number(value, o.cpu);
    case 'y':
        return parse_number(value, o.every_us);
    case 'j':
        o.json = true;
        return true;
    default:
        return false;
    }
}

Parsed parse(int argc, char** argv, Options& o) {
    static const option names[] = {{"ram", required_argument, nullptr, 'r'},
                                   {"offset", required_argument, nullptr, 'o'},
                                   {"seconds", required_argument, nullptr, 's'},
                                   {"until-eof-of-stdin", no_argument, nullptr, 'e'},
                                   {"cpu", required_argument, nullptr, 'c'},
                                   {"every", required_argument, nullptr, 'y'},
                                   {"json", no_argument, nullptr, 'j'},
                                   {"help", no_argument, nullptr, 'h'},
                                   {}};
    std::uint64_t offset = 0;
    for (int c = 0; (c = ::getopt_long(argc, argv, "h", names, nullptr)) != -1;) {
        if (c == 'h')
            return Parsed::Help;
        if (!parse_one(c, optarg, o, offset)) {
            if (c != '?') // getopt has said what is wrong with the others
                std::fprintf(stderr, "segue-observer: not a value: %s\n", optarg);
            return Parsed::Wrong;
        }
    }
    for (Ram& ram : o.rams)
        ram.offset = offset;
    if (o.rams.empty() || optind != argc)
        std::fprintf(stderr, "segue-observer: %s\n",
                     o.rams.empty() ? "--ram is missing" : "an argument that is no option");
    return o.rams.empty() || optind != argc ? Parsed::Wrong : Parsed::Go;
}

void print(const Measurement& m, const Observer& observer, bool json) {
    const std::string text = json ? json_of(m, observer.page()) : text_of(m, observer.page());
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

// Lines on stdin, until it ends.
void obey_stdin(Observer& observer, bool json) {
    std::array<char, 256> bytes = {};
    for (;;) {
        const auto n = sys::retry([&] { return ::read(STDIN_FILENO, bytes.data(), bytes.size()); });
        if (n <= 0)
            return;
        for (const char c : std::string_view(bytes.data(), static_cast<std::size_t>(n)))
            if (c == '\n')
                print(observer.reset(), observer, json);
    }
}

int run(const Options& o) {
    auto observer = Observer::start(o.rams, o.cpu, Deadline::in(std::chrono::seconds(10)),
                                    std::chrono::microseconds(o.every_us));
    if (!observer.ok()) {
        const Error& e = observer.error();
        std::fprintf(stderr, "segue-observer: %s\n%s%s", e.what().c_str(), e.way_out().c_str(),
                     e.way_out().empty() ? "" : "\n");
        return 1;
    }
    if (o.until_eof)
        obey_stdin(**observer, o.json);
    else
        std::this_thread::sleep_for(o.time);
    print((*observer)->snapshot(), **observer, o.json);
    return 0;
}

} // namespace
} // namespace segue::observer

int main(int argc, char** argv) {
    using namespace segue::observer;
    Options options;
    switch (parse(argc, argv, options)) {
    case Parsed::Help:
        std::fputs(usage, stdout);
        return 0;
    case Parsed::Wrong:
        std::fputs("try segue-observer --help\n", stderr);
        return 2;
    case Parsed::Go:
        break;
    }
    return run(options);
}
