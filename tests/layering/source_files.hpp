// SPDX-License-Identifier: Apache-2.0
// source_files.hpp - the project's own sources, as the layering tests read them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace segue::layering {

struct Include {
    std::string spelled; // "core/base/units.hpp", <vector>: without the marks
    int line;
};

struct SourceFile {
    std::string path; // from the root: "core/base/units.cpp"
    std::vector<Include> includes;
    std::vector<std::string> literals; // string literals outside comments and includes

    bool is_header() const;
    bool is_test() const; // *_test.cpp, *_test.hpp, and all of tests/
};

// Every C and C++ file in sdk/, core/, plugins/ and vmm/ below `root`.
std::vector<SourceFile> read_sources(const std::filesystem::path& root);

} // namespace segue::layering
