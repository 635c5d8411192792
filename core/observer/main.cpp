// SPDX-License-Identifier: Apache-2.0
// main.cpp - segue-observer: how long did a guest stand still, seen from another process?
#include <array>
#include <cstdio>
#include <string_view>

#include <segue/cpp/sys.hpp>

#include "core/observer/observer.hpp"
#include "core/observer/options.hpp"
#include "core/observer/print.hpp"

namespace segue::observer {
namespace {

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
