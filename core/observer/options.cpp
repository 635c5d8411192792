// SPDX-License-Identifier: Apache-2.0
#include "core/observer/options.hpp"

#include <getopt.h>

#include <charconv>
#include <cstdio>
#include <string_view>

#include "core/base/units.hpp"

namespace segue::observer {

const char* const usage =
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

namespace {

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

} // namespace

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
    ::optind = 0; // from the start, also where it was called before
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

} // namespace segue::observer
