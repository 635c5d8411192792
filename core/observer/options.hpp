// SPDX-License-Identifier: Apache-2.0
// options.hpp - the command line of segue-observer.
#pragma once

#include <chrono>
#include <vector>

#include "core/observer/observer.hpp"

namespace segue::observer {

struct Options {
    std::vector<Ram> rams;
    std::chrono::milliseconds time{10'000};
    bool until_eof = false;
    int cpu = -1;
    long every_us = 0;
    bool json = false;
};

// What is left to do after parse().
enum class Parsed { Go, Help, Wrong };

// The text of --help.
extern const char* const usage;

// What is wrong stands on stderr. [main, getopt(3) keeps its place in globals]
Parsed parse(int argc, char** argv, Options& options);

} // namespace segue::observer
